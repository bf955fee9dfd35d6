// FlowForge's programs as processes of their own, for tests: start them, talk to them, end them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import { client } from '../git/test-host.ts'

const CHECKOUT = fileURLToPath(new URL('../../../..', import.meta.url))

export type Program = 'all-in-one' | 'server' | 'worker' | 'backup'

export const dataFolder = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'ffp-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export const hasPostgres = (directory: string): boolean =>
  readdirSync(directory, { recursive: true }).some(file => String(file).endsWith('postmaster.pid'))

export interface Running {
  child: ChildProcess
  stdout(): string
  stderr(): string
  exited: Promise<number | null>
  /** Ends it with this signal and gives its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>
}

export const run = (
  program: Program,
  environment: Record<string, string>,
  { checkout = CHECKOUT, args = [] }: { checkout?: string; args?: string[] } = {},
): Running => {
  const file = join(checkout, 'packages/server/src/bin', `${program}.ts`)
  const child = spawn(process.execPath, [file, ...args], {
    env: {
      PATH: process.env.PATH,
      FLOWFORGE_EXECUTOR: 'dummy',
      FLOWFORGE_LEASE_SECONDS: '5',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', part => {
    stdout += part
  })
  child.stderr?.on('data', part => {
    stderr += part
  })
  // Not `exit`: what it said last may come after that.
  const exited = once(child, 'close').then(([code]) => code as number | null)
  const end = (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    return exited
  }
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const patience = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await end()
    clearTimeout(patience)
  })
  return { child, stdout: () => stdout, stderr: () => stderr, exited, end }
}

export const isReady = async ({ stdout, stderr, child }: Running): Promise<void> => {
  await expect
    .poll(() => (child.exitCode === null ? stdout() : `ended: ${stderr()}`), {
      timeout: 30_000,
      interval: 50,
    })
    .toMatch(/is ready|^ended/)
  expect(stdout()).toContain('is ready')
}

export const apiOf = (port: number, key: string, url = `http://127.0.0.1:${port}`) => {
  const ask = async (path: string, body?: unknown) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of an answer
    return { status: response.status, body: (await response.json()) as any }
  }
  return {
    ask,
    /** A hosted repository with one commit. */
    addRepository: async (): Promise<string> => {
      const { body } = await ask('/repositories', { name: 'sample' })
      const workTree = await dataFolder()
      await mkdir(workTree, { recursive: true })
      await writeFile(join(workTree, 'a.txt'), 'a\n')
      const remote = `http://any:${key}@127.0.0.1:${port}/git/default/sample.git`
      for (const step of [
        ['init', '-q', '-b', 'main'],
        ['add', '.'],
        ['commit', '-q', '-m', 'First'],
        ['push', '-q', remote, 'main'],
      ])
        expect(await client(workTree, step)).toMatchObject({ exitCode: 0 })
      return body.id
    },
    submit: async (repositoryId: string, task: string): Promise<string> =>
      (await ask('/jobs', { repositoryId, task })).body.id,
    reaches: (id: string, state: string, timeout = 20_000) =>
      expect
        .poll(async () => (await ask(`/jobs/${id}`).catch(() => ({ body: {} }))).body.state, {
          timeout,
          interval: 50,
        })
        .toBe(state),
  }
}

/** Of a Postgres on a Unix socket, as `DATABASE_URL`. */
export const urlOf = ({ host, user, database }: pg.ClientConfig): string =>
  `postgres://${user}@localhost/${database}?host=${encodeURIComponent(host ?? '')}`
