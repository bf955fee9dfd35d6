// Removes what a killed Git leaves in a repository: lock files that block the next one, and half-received packs. Something is stale
// when no Git process in the repository is old enough to have made it; where that can not be seen, when it is very old itself.
import { readdir, readFile, readlink, realpath, rm, stat } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { GitExit } from './run.ts'

/** Longer than any Git holds a lock, or keeps a file open that it still writes to. */
const SURELY_STALE_MS = 6 * 60 * 60 * 1000
/** Git stops at the first lock that it meets. */
const MAX_REMOVALS = 10
/** Process starts are known to a hundredth, file times to a timer tick of the kernel. */
const CLOCK_SLACK_MS = 1000
/** USER_HZ, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Runs `act`; when a lock file is in its way that nobody holds any more, removes that and runs it again. */
export async function despiteStaleLocks<T>(repository: string, act: () => Promise<T>): Promise<T> {
  for (let removals = 0; ; removals++) {
    try {
      return await act()
    } catch (error) {
      const locks = error instanceof GitExit ? locksNamedIn(error.stderr, repository) : []
      const mayRetry = locks.length > 0 && removals < MAX_REMOVALS
      if (!mayRetry || !(await removeStale(repository, locks))) throw error
    }
  }
}

/** Half-received objects: a killed clone of a big repository leaves gigabytes. */
export async function removeAbandonedObjects(repository: string): Promise<void> {
  const objects = join(repository, 'objects')
  const [loose, packs] = await Promise.all([readdir(objects), readdir(join(objects, 'pack'))])
  const abandoned = [
    ...loose
      .filter(name => name.startsWith('tmp_') || name.startsWith('incoming-'))
      .map(name => join(objects, name)),
    ...packs
      .filter(name => name.startsWith('tmp_') || name.startsWith('.tmp-'))
      .map(name => join(objects, 'pack', name)),
  ]
  if (abandoned.length > 0) await removeStale(repository, abandoned)
}

/** Removes those of the files that nobody uses. True when at least one is gone. */
export async function removeStale(repository: string, files: readonly string[]): Promise<boolean> {
  const changed = await Promise.all(
    files.map(file =>
      stat(file).then(
        found => found.mtimeMs,
        () => null,
      ),
    ),
  )
  // Looked at after the files: whoever made one of them and is not there now has left it for good.
  const oldestUser = await oldestUserStart(repository)
  let removed = false
  for (const [index, file] of files.entries()) {
    const changedAt = changed[index] ?? null
    if (changedAt === null) continue
    const abandoned = oldestUser > changedAt + CLOCK_SLACK_MS || Date.now() - changedAt > SURELY_STALE_MS
    if (!abandoned) continue
    await rm(file, { recursive: true, force: true })
    removed = true
  }
  return removed
}

/**
 * When the longest-running process in the repository started; a file that is older was made by none of them. Every Git that
 * FlowForge runs has its repository as working directory. Infinity: there is none; 0: it can not be seen on this system.
 */
async function oldestUserStart(repository: string): Promise<number> {
  const directory = await realpath(repository)
  const processes = await readdir('/proc').catch(() => null)
  if (processes === null) return 0
  const ids = processes.filter(name => /^\d+$/.test(name))
  const places = await Promise.all(ids.map(id => readlink(`/proc/${id}/cwd`).catch(() => '')))
  const users = ids.filter(
    (_, index) => places[index] === directory || places[index]!.startsWith(directory + sep),
  )
  const ages = await Promise.all(users.map(processAgeMs))
  return ages.length === 0 ? Number.POSITIVE_INFINITY : Date.now() - Math.max(...ages)
}

/** proc(5): field 22 of `stat` is the start in ticks after boot; the second field may contain anything but ends with the last ")". */
async function processAgeMs(id: string): Promise<number> {
  const [status, uptime] = await Promise.all([
    readFile(`/proc/${id}/stat`, 'utf8').catch(() => ''),
    readFile('/proc/uptime', 'utf8'),
  ])
  const ticks = Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[19] ?? Number.NaN)
  return Number.isNaN(ticks) ? 0 : Number(uptime.split(' ')[0]) * 1000 - (ticks * 1000) / TICKS_PER_SECOND
}

function locksNamedIn(stderr: string, repository: string): string[] {
  const named = [...stderr.matchAll(/Unable to create '([^'\n]+\.lock)': File exists/g)].map(match =>
    resolve(repository, match[1]!),
  )
  return named.filter(file => file.startsWith(repository + sep))
}
