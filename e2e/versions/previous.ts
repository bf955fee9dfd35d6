// The version before, for real: its files from Git, its packages by its own lock file, its agent image from its own sources.
// Built once into .cache and used again. What "before" is: the newest commit that knows only the migrations of the last release.
import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { levelOf, RELEASED_LEVEL } from '../../packages/server/src/store/schema.ts'
import { ROOT } from '../system.ts'

const run = promisify(execFile)
const git = (...args: string[]): string =>
  execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()

/** null, with the reason, where there is no history to take it from. */
export function findPrevious(): { commit: string } | { missing: string } {
  try {
    if (git('rev-parse', '--is-shallow-repository') === 'true')
      return { missing: 'this is a shallow clone: git fetch --unshallow' }
    const added = git(
      ...['log', '--reverse', '--diff-filter=A', '--format=commit %H', '--name-only'],
      ...['--', 'packages/server/migrations'],
    )
    let commit = ''
    for (const line of added.split('\n')) {
      const [, found] = /^commit (\w+)$/.exec(line) ?? []
      if (found) commit = found
      const [, name] = /migrations\/(\d+_\w+)\.sql$/.exec(line) ?? []
      if (name && levelOf(name) > RELEASED_LEVEL) return { commit: git('rev-parse', `${commit}^`) }
    }
    return { missing: 'no migration is newer than the last release: there is nothing to compare' }
  } catch {
    return { missing: 'this is not a Git checkout with its history' }
  }
}

/** The folder of that commit, ready to run. */
export async function buildPrevious(commit: string): Promise<string> {
  const checkout = join(ROOT, '.cache', 'previous', commit.slice(0, 12))
  const ready = join(checkout, '.ready')
  if (existsSync(ready)) return checkout
  await rm(checkout, { recursive: true, force: true })
  await mkdir(checkout, { recursive: true })
  const archive = execFileSync('git', ['-C', ROOT, 'archive', commit], { maxBuffer: 1024 ** 3 })
  execFileSync('tar', ['-x', '-C', checkout], { input: archive })
  await installPackages(checkout)
  await writeFile(ready, '')
  return checkout
}

/** Ours as hard links, then what its own lock file wants otherwise: most packages are the same. */
async function installPackages(checkout: string): Promise<void> {
  const modules = join(checkout, 'node_modules')
  await run('cp', ['--archive', '--link', join(ROOT, 'node_modules'), modules])
  // Written in place by npm: a hard link would change ours.
  for (const file of ['.package-lock.json', '.flowforge-package-lock.json'])
    await rm(join(modules, file), { force: true })
  const lockFiles = await Promise.all(
    [ROOT, checkout].map(folder => readFile(join(folder, 'package-lock.json'), 'utf8')),
  )
  if (lockFiles[0] === lockFiles[1]) return
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-save']
  await run('npm', ['install', ...flags], { cwd: checkout, maxBuffer: 64 * 1024 ** 2 })
}

/** The name of a checkout's agent image; quick where its base was built before. */
export async function buildImage(checkout: string): Promise<string> {
  await run(process.execPath, [join(checkout, 'images/agent/build.ts')], { maxBuffer: 64 * 1024 ** 2 })
  return (await readFile(join(checkout, '.cache', 'agent-image'), 'utf8')).trim()
}
