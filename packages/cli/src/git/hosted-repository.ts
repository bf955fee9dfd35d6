// Which hosted repository stands for this work tree: remembered in the work tree's own Git config, else found by the
// folder's name when it shares history, else made.
import type { FlowForge, Repository } from '@flowforge/sdk'
import { CliFailure, isApiError } from '../failure.ts'
import { findRepository, freeName } from '../repositories.ts'
import { git, gitOutput } from './git.ts'
import { type HostedRemote, hostedUrl, type Inherited, listHeads } from './hosted-remote.ts'
import { repositoryName, type WorkTree } from './work-tree.ts'

/** One line per server: `<repository id> <server>`. */
const CONFIG_KEY = 'flowforge.repository'

export interface Server {
  url: string
  token: string | undefined
  isLoopback: boolean
  flowforge: FlowForge
}

export interface HostedRepository {
  repository: Repository
  remote: HostedRemote
}

export async function hostedRepositoryOf(
  workTree: WorkTree,
  server: Server,
  inherited: Inherited,
): Promise<HostedRepository> {
  const [remoteOf, remembered] = await Promise.all([
    hostedRemotes(server),
    readRemembered(workTree.path, server),
  ])
  if (remembered) return remoteOf(remembered)
  const found = await findRelated(workTree, server.flowforge, remoteOf, inherited)
  const name = repositoryName(workTree.path)
  const repository =
    found ?? (await server.flowforge.repositories.create({ name: await freeName(server.flowforge, name) }))
  await remember(workTree.path, server.url, repository.id)
  return remoteOf(repository)
}

export async function hostedRepositoryNamed(name: string, server: Server): Promise<HostedRepository> {
  const remoteOf = await hostedRemotes(server)
  const existing = await findRepository(server.flowforge, name)
  if (existing && existing.url !== null) {
    throw new CliFailure(`${name} is not a hosted repository: its commits come from ${existing.url}.`, {
      next: 'Push there, or choose another name.',
    })
  }
  const repository = existing ?? (await server.flowforge.repositories.create({ name }))
  return remoteOf(repository)
}

/** The organization is part of the address, and the key decides which it is. */
async function hostedRemotes({ flowforge, url, token, isLoopback }: Server) {
  const { organization } = await flowforge.me()
  return (repository: Repository): HostedRepository => ({
    repository,
    remote: { url: hostedUrl(url, organization.slug, repository.name), token, isLoopback },
  })
}

async function readRemembered(path: string, server: Server): Promise<Repository | undefined> {
  const { stdout } = await git(path, ['config', '--local', '--get-all', CONFIG_KEY])
  const line = stdout.split('\n').find(entry => entry.endsWith(` ${server.url}`))
  const id = line?.split(' ')[0]
  if (!id) return undefined
  return server.flowforge.repositories.get(id).catch((error: unknown) => {
    // Removed on the server since: a new one takes its place.
    if (isApiError(error) && error.status === 404) return undefined
    throw error
  })
}

async function remember(path: string, serverUrl: string, id: string): Promise<void> {
  const pattern = ` ${serverUrl.replace(/[.[\]*+?^$(){}|\\/]/g, '\\$&')}$`
  await gitOutput(path, ['config', '--local', '--replace-all', CONFIG_KEY, `${id} ${serverUrl}`, pattern])
}

/** Two folders may have one name: only a repository that is empty or shares a commit is this one. */
async function findRelated(
  workTree: WorkTree,
  flowforge: FlowForge,
  remoteOf: (repository: Repository) => HostedRepository,
  inherited: Inherited,
): Promise<Repository | undefined> {
  const candidate = await findRepository(flowforge, repositoryName(workTree.path))
  if (!candidate || candidate.url !== null) return undefined
  const heads = await listHeads(workTree.path, remoteOf(candidate).remote, inherited)
  if (heads.size === 0) return candidate
  for (const commit of heads.values()) {
    const known = await git(workTree.path, ['cat-file', '-e', `${commit}^{commit}`])
    if (known.exitCode === 0) return candidate
  }
  return undefined
}
