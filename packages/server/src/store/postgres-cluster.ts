// The cluster's place on disk: programs, data made by initdb, owner. It knows nothing of running servers.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmod, chown, mkdir, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { FlowForgeError } from '../errors.ts'
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts'
import { POSTGRES_ENVIRONMENT } from './postmaster.ts'
import { assertReachable, chooseUnprivilegedUser, type UnixUser } from './unprivileged-user.ts'

export interface Place {
  root: string
  dataFolder: string
  user: UnixUser | undefined
  binaries: PostgresBinaries
}

export const preparePlace = async (options: {
  dataDirectory: string
  packageName?: string
}): Promise<Place> => {
  await mkdir(path.join(options.dataDirectory, 'postgres'), { recursive: true, mode: 0o711 })
  const root = await realpath(path.join(options.dataDirectory, 'postgres'))
  const dataFolder = path.join(root, 'data')
  const user = await chooseUnprivilegedUser(dataFolder)
  if (user) {
    // Our own two folders may be passed through (not listed); what lies above them is the owner's decision.
    for (const folder of [options.dataDirectory, root]) {
      await chmod(folder, ((await stat(folder)).mode & 0o7777) | 0o011)
    }
    await assertReachable(root, user)
  }
  const binaries = await findPostgresBinaries({ directory: root, packageName: options.packageName })
  return { root, dataFolder, user, binaries }
}

/** Makes the cluster beside its place and renames it in: whole or absent, also with two starters at once. */
export const ensureCluster = async ({ root, dataFolder, user, binaries }: Place): Promise<void> => {
  const major = await readFile(path.join(dataFolder, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (major !== undefined) return assertSameMajor(dataFolder, Number(major), binaries)
  const temporary = path.join(root, `data.${randomUUID()}.tmp`)
  await mkdir(temporary, { mode: 0o700 })
  if (user) await chown(temporary, user.uid, user.gid)
  try {
    await promisify(execFile)(binaries.initdb, initdbArguments(temporary, binaries.major), {
      ...user,
      cwd: root,
      env: POSTGRES_ENVIRONMENT,
    })
    await rename(temporary, dataFolder)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return
    const said = (error as { stderr?: string }).stderr?.trim() || String(error)
    const code = said.includes('No space left') ? 'disk_full' : 'database_unavailable'
    throw new FlowForgeError(code, `The database could not be made in ${root}: ${said}`, { cause: error })
  }
}

const initdbArguments = (folder: string, major: number): string[] => [
  `--pgdata=${folder}`,
  '--username=postgres',
  '--auth-local=trust',
  '--auth-host=reject',
  '--encoding=UTF8',
  // The built-in provider sorts alike on every system and after every upgrade of the C library.
  ...(major >= 17
    ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
    : ['--locale=C.UTF-8']),
  '--data-checksums',
  // The postmaster's first checkpoint writes out what matters; an initdb that a power cut tore holds no data yet.
  '--no-sync',
]

const assertSameMajor = (dataFolder: string, found: number, binaries: PostgresBinaries): void => {
  if (found === binaries.major) return
  throw new FlowForgeError(
    'config_invalid',
    `The data in ${dataFolder} was written by PostgreSQL ${found}, this FlowForge brings PostgreSQL ${binaries.major}. Run the FlowForge that wrote it and move the data with flowforge backup and flowforge restore.`,
  )
}

/** An initdb or a copy takes seconds; what is older was left by a crash. */
const UNFINISHED_MS = 3_600_000

/** To be called when nothing of an older version runs: its programs and what a crash left unfinished. */
export const removeLeftovers = async ({ root, binaries }: Place): Promise<void> => {
  for (const name of await readdir(root)) {
    const folder = path.join(root, name)
    const unfinished = name.endsWith('.tmp') && (await stat(folder)).mtimeMs < Date.now() - UNFINISHED_MS
    const older = /^\d+\.\d+[^/]*$/.test(name) && !name.endsWith('.tmp') && name !== binaries.version
    if (unfinished || older) await rm(folder, { recursive: true, force: true })
  }
}
