// Where the demo keeps its data between runs, and the sample repository that its job works on.
import { spawnSync } from 'node:child_process'
import { cp, lstat, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../../..')
const SAMPLE = join(ROOT, 'packages/scripted-model/samples/invoice')

/** An end of the demo that its reader can do something about: what happened, and what to do. */
export class DemoFailure extends Error {}

/**
 * Short, since sockets below it may have paths of 107 bytes at most; and outside of home directories, which the database's
 * own user can't pass through.
 */
export async function preparePlace(): Promise<string> {
  const folder = join(await realpath(tmpdir()), `flowforge-demo-${process.getuid?.() ?? 0}`)
  await mkdir(folder, { mode: 0o711 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return
    throw new DemoFailure(
      `The folder ${folder} can not be made (${error.code}). Set TMPDIR to a folder that you may write to.`,
    )
  })
  const found = await lstat(folder)
  // Everybody may write to the system's folder for temporary files: whoever was there first could read our keys.
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0)
    throw new DemoFailure(`${folder} belongs to somebody else. Remove it, then run this again.`)
  return folder
}

/** Remembers which server runs on the folder, so that a second demo does not take it away from the first. */
export async function claimPlace(folder: string): Promise<(url: string) => Promise<void>> {
  const file = join(folder, 'running.json')
  const before = await readFile(file, 'utf8').then(JSON.parse, () => undefined)
  if (before && (await answers(before.url)))
    throw new DemoFailure(
      `A demo is still running at ${before.url}. Look at it there, or stop it: kill ${before.pid}`,
    )
  return url => writeFile(file, JSON.stringify({ url, pid: process.pid }))
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
    answer => answer.ok,
    () => false,
  )

/** The same commit each time, so that FlowForge finds the repository that it has from the last run. */
const COMMITTER = {
  GIT_AUTHOR_NAME: 'FlowForge demo',
  GIT_AUTHOR_EMAIL: 'demo@flowforge.invalid',
  GIT_AUTHOR_DATE: '2026-01-01T12:00:00Z',
  GIT_COMMITTER_NAME: 'FlowForge demo',
  GIT_COMMITTER_EMAIL: 'demo@flowforge.invalid',
  GIT_COMMITTER_DATE: '2026-01-01T12:00:00Z',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
}

/** A fresh copy as a Git repository of its own. */
export async function makeSampleRepository(folder: string): Promise<string> {
  const path = join(folder, 'invoice')
  await rm(path, { recursive: true, force: true })
  await cp(SAMPLE, path, { recursive: true })
  for (const args of [
    ['init', '--quiet', '--initial-branch=main'],
    ['add', '--all'],
    ['commit', '--quiet', '--message=Add up an invoice and print it'],
  ]) {
    const { status, stderr, error } = spawnSync('git', args, {
      cwd: path,
      env: { PATH: process.env.PATH, ...COMMITTER },
      encoding: 'utf8',
    })
    if (status !== 0)
      throw new DemoFailure(
        `git ${args[0]} failed: ${error?.message ?? stderr.trim()} Check that Git is installed.`,
      )
  }
  return path
}
