// For tests only: a Git host on loopback (smart HTTP, Basic auth when a password is set), and a person's own Git client.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createPeopleGit } from './people.ts'

export async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'flowforge-git-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface ClientResult {
  exitCode: number
  stdout: string
  stderr: string
}

/** A person's Git: its own environment, no configuration of this machine. Never throws. */
export function client(
  cwd: string,
  args: string[],
  { input, protocol = '2' }: { input?: string; protocol?: string } = {},
) {
  const identity = [
    '-c',
    'user.name=Ada',
    '-c',
    'user.email=ada@example.org',
    '-c',
    `protocol.version=${protocol}`,
  ]
  return new Promise<ClientResult>(resolve => {
    const env = {
      PATH: process.env.PATH,
      HOME: cwd,
      LC_ALL: 'C',
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_NOSYSTEM: '1',
    }
    const child = execFile(
      'git',
      [...identity, ...args],
      { cwd, env, maxBuffer: 64 * 1024 ** 2 },
      (error, stdout, stderr) => {
        resolve({
          exitCode: error === null ? 0 : Number(error.code ?? -1),
          stdout: stdout.trim(),
          stderr: stderr.trim(),
        })
      },
    )
    // Git may end without reading.
    child.stdin?.on('error', () => {}).end(input)
  })
}

/** Like `client`, for steps that must work. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const result = await client(cwd, args)
  if (result.exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`)
  return result.stdout
}

/** Writes the files and commits them; returns the commit. */
export async function commit(
  workTree: string,
  files: Record<string, string>,
  message = 'Change',
): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(workTree, name)), { recursive: true })
    await writeFile(join(workTree, name), text)
  }
  await git(workTree, 'add', '--all')
  await git(workTree, 'commit', '--quiet', '--allow-empty', '-m', message)
  return git(workTree, 'rev-parse', 'HEAD')
}

/** A work tree with one commit on `main`. */
export async function workTree(directory: string, name = 'work'): Promise<{ path: string; commit: string }> {
  const path = join(directory, name)
  await git(directory, 'init', '--quiet', '--initial-branch=main', path)
  return { path, commit: await commit(path, { 'README.md': 'hello\n' }, 'First') }
}

export async function listen(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export interface GitHostOptions {
  /** Holds the bare repositories; `/name.git` in a URL is `name.git` here. */
  directory: string
  password?: string
  /** Sees each request first; true = answered. */
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean
}

export async function startGitHost({ directory, password, intercept }: GitHostOptions) {
  const people = createPeopleGit({ pathOf: name => join(directory, `${name}.git`) })
  const requests: string[] = []
  const host = await listen((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    if (intercept?.(request, response)) return
    if (password !== undefined && !authorised(request, password)) {
      return void response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="host"' }).end()
    }
    const [, name, pathRest] = /^\/([\w-]+)\.git(\/.*)$/.exec(request.url ?? '') ?? []
    if (name === undefined || pathRest === undefined) return void response.writeHead(404).end()
    void people.handle(request, response, { repositoryId: name, kind: 'hosted', pathRest, canPush: true })
  })
  return { ...host, requests, url: (name: string) => `${host.origin}/${name}.git` }
}

/** Makes `name.git` on the host's disk with the content of a work tree. */
export async function hostRepository(directory: string, name: string, source?: string): Promise<string> {
  const path = join(directory, `${name}.git`)
  await git(directory, 'init', '--quiet', '--bare', '--initial-branch=main', path)
  if (source !== undefined) await git(source, 'push', '--quiet', '--mirror', path)
  return path
}

function authorised(request: IncomingMessage, password: string): boolean {
  const [, basic] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? []
  return Buffer.from(basic ?? '', 'base64')
    .toString()
    .endsWith(`:${password}`)
}
