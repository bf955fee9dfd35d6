// Finds what goes into the image from npm, for the Docker daemon's architecture: Node.js, npm, Claude Code's native binary.
// Knows npm; knows nothing of Docker.
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'

export type Architecture = 'x64' | 'arm64'

export interface LinuxPackages {
  /** The pinned versions: they stand for the contents, whose integrity the lock files hold. */
  versions: { node: string; npm: string; claude: string }
  nodeBinary: string
  npmDirectory: string
  claudeBinary: string
}

/** The version of each is read from the lock files, so that computing the image's tag fetches nothing. */
export async function pinnedVersions(root: string, arch: Architecture): Promise<LinuxPackages['versions']> {
  const [own, workspace] = await Promise.all([readLock(join(root, 'script/lib/node')), readLock(root)])
  return {
    node: own[`node_modules/node-linux-${arch}`]!.version,
    npm: own['node_modules/npm']!.version,
    claude: workspace[`node_modules/${claudePackage(arch)}`]!.version,
  }
}

export async function findLinuxPackages(options: {
  root: string
  arch: Architecture
  cacheDirectory: string
}): Promise<LinuxPackages> {
  const { root, arch, cacheDirectory } = options
  const versions = await pinnedVersions(root, arch)
  const node = join(
    cacheDirectory,
    arch === hostArchitecture() ? `node/${versions.node}` : `node/${versions.node}-${arch}`,
  )
  await ensureNodePackages(root, node, arch)
  return {
    versions,
    nodeBinary: join(node, `node_modules/node-linux-${arch}/bin/node`),
    npmDirectory: join(node, 'node_modules/npm'),
    claudeBinary: await findClaude(options, versions.claude),
  }
}

/** The same directory as script/lib/node.sh fills where the machine has no Node.js that is new enough. */
async function ensureNodePackages(root: string, directory: string, arch: Architecture): Promise<void> {
  const source = join(root, 'script/lib/node')
  const lock = await readFile(join(source, 'package-lock.json'), 'utf8')
  const there = await readFile(join(directory, 'package-lock.json'), 'utf8').catch(() => '')
  if (there === lock && (await exists(join(directory, `node_modules/node-linux-${arch}/bin/node`)))) return
  await installBeside(directory, async temporary => {
    await cp(join(source, 'package.json'), join(temporary, 'package.json'))
    await writeFile(join(temporary, 'package-lock.json'), lock)
    await npm(temporary, ['ci', '--os=linux', `--cpu=${arch}`])
  })
}

async function findClaude(
  { root, arch, cacheDirectory }: { root: string; arch: Architecture; cacheDirectory: string },
  version: string,
): Promise<string> {
  const name = claudePackage(arch)
  const installed = join(root, 'node_modules', name, 'claude')
  if (await exists(installed)) return installed
  // The workspace was installed for another system (macOS, another processor): fetch this one package.
  const directory = join(cacheDirectory, `claude/${version}-${arch}`)
  const fetched = join(directory, 'node_modules', name, 'claude')
  if (await exists(fetched)) return fetched
  const entry = (await readLock(root))[`node_modules/${name}`]
  await installBeside(directory, async temporary => {
    const manifest = { name: 'flowforge-claude', version: '0.0.0', dependencies: { [name]: version } }
    const packages = { '': manifest, [`node_modules/${name}`]: entry }
    await writeFile(join(temporary, 'package.json'), JSON.stringify(manifest))
    // Made of the workspace's own lock file, so that npm checks the integrity written there.
    await writeFile(
      join(temporary, 'package-lock.json'),
      JSON.stringify({ name: manifest.name, version: manifest.version, lockfileVersion: 3, packages }),
    )
    await npm(temporary, ['ci', '--os=linux', `--cpu=${arch}`, '--libc=glibc'])
  })
  return fetched
}

/** Fills a temporary directory and moves it into place, so that a half-made one is never found there. */
async function installBeside(directory: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  await mkdir(dirname(directory), { recursive: true })
  const temporary = await mkdtemp(`${directory}.`)
  await chmod(temporary, 0o755) // mkdtemp lets nobody else in, but script/lib/node.sh shares this for all users
  try {
    await fill(temporary)
    await rm(directory, { recursive: true, force: true })
    await rename(temporary, directory)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function npm(cwd: string, args: string[]): Promise<void> {
  await execa('npm', [...args, '--no-audit', '--no-fund', '--ignore-scripts'], { cwd, stdin: 'ignore' })
}

const claudePackage = (arch: Architecture) => `@anthropic-ai/claude-agent-sdk-linux-${arch}`

const hostArchitecture = () => (process.platform === 'linux' ? process.arch : undefined)

async function readLock(directory: string): Promise<Record<string, { version: string }>> {
  return JSON.parse(await readFile(join(directory, 'package-lock.json'), 'utf8')).packages
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
