// For tests only: mirrors beside a Git host of their own that has one repository, and that host getting stuck.
import { mkdir } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { createMirrors, type MirrorsOptions } from './mirrors.ts'
import {
  type GitHostOptions,
  git,
  hostRepository,
  startGitHost,
  temporaryDirectory,
  workTree,
} from './test-host.ts'

export async function setUpMirror(options: Partial<GitHostOptions> & Partial<MirrorsOptions> = {}) {
  const temporary = await temporaryDirectory()
  const hostDirectory = join(temporary.path, 'host')
  await mkdir(hostDirectory)
  const work = await workTree(temporary.path)
  const upstream = await hostRepository(hostDirectory, 'sample', work.path)
  const host = await startGitHost({ ...options, directory: hostDirectory })
  const directory = options.directory ?? join(temporary.path, 'mirrors')
  const mirrors = createMirrors({ trustedHosts: ['127.0.0.1'], ...options, directory })
  const repository = { id: 'repo1', url: host.url('sample'), credential: null }
  const push = (...refspecs: string[]) => git(work.path, 'push', '--quiet', '--force', upstream, ...refspecs)
  return {
    temporary,
    work,
    upstream,
    push,
    host,
    mirrors,
    repository,
    hostDirectory,
    mirrorDirectory: directory,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

/** Takes the request for the objects, and says nothing more. */
export function stuckHost() {
  const asked = Promise.withResolvers<void>()
  let stuck = true
  return {
    asked: asked.promise,
    recover: () => {
      stuck = false
    },
    intercept: (request: IncomingMessage): boolean => {
      const taken = stuck && request.method === 'POST'
      if (taken) asked.resolve()
      return taken
    },
  }
}
