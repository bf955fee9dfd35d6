// A Git host of a test's own that keeps count: each movement of a branch is a line in its reflog.
import { mkdir, readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { git, hostRepository, startGitHost, workTree } from '../../packages/server/src/git/test-host.ts'
import type { Installation } from './processes.ts'

export interface Upstream {
  /** Makes a repository with one commit, and tells FlowForge of it. */
  repository(name: string): Promise<UpstreamRepository>
  /** Sees each request first; true = answered. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean
  close(): Promise<void>
}

export interface UpstreamRepository {
  id: string
  /** On disk. */
  path: string
  /** The commits that a branch has been at, oldest first. */
  pushes(branch: string): Promise<string[]>
}

/** FlowForge must trust 127.0.0.1 to use it. */
export async function startUpstream(installation: Installation): Promise<Upstream> {
  const directory = join(installation.directory, 'upstream')
  await mkdir(directory)
  const upstream: Upstream = {
    intercept: () => false,
    repository: async name => {
      const tree = join(directory, `tree-${name}`)
      await mkdir(tree)
      const bare = await hostRepository(directory, name, (await workTree(tree)).path)
      await git(bare, 'config', 'core.logAllRefUpdates', 'always')
      const { id } = await installation.flowforge.repositories.create({ name, url: host.url(name) })
      return {
        id,
        path: bare,
        pushes: async branch => {
          const log = await readFile(join(bare, 'logs/refs/heads', branch), 'utf8').catch(() => '')
          return log
            .split('\n')
            .filter(Boolean)
            .map(line => line.split(' ')[1]!)
        },
      }
    },
    close: () => host[Symbol.asyncDispose](),
  }
  const host = await startGitHost({
    directory,
    intercept: (request, response) => upstream.intercept(request, response),
  })
  return upstream
}
