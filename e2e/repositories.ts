// Repositories for tests: hosted by FlowForge and filled by a person's Git, or a person's own work tree.
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Repository } from '@flowforge/sdk'
import { commit, git, workTree } from '../packages/server/src/git/test-host.ts'
import type { Person } from './person.ts'

export interface HostedRepository {
  id: string
  name: string
  /** For a person's Git: with the key in it. */
  url: string
  /** The only commit, on `main`. */
  commit: string
}

/** Who has the key, and a directory for work trees. */
export type Owner = Pick<Person, 'flowforge' | 'token'> & { directory: string }

let count = 0

export async function hostedRepository(
  system: Owner,
  files: Record<string, string> = {},
): Promise<HostedRepository> {
  count += 1
  const repository = await system.flowforge.repositories.create({ name: `project-${count}` })
  const { path } = await makeWorkTree(system, files)
  const url = urlWithKey(system, repository)
  await git(path, 'push', '--quiet', url, 'main')
  return { id: repository.id, name: repository.name, url, commit: await git(path, 'rev-parse', 'HEAD') }
}

export async function makeWorkTree(
  system: Owner,
  files: Record<string, string> = {},
): Promise<{ path: string }> {
  const directory = await mkdtemp(join(system.directory, 'tree-'))
  const { path } = await workTree(directory, 'project')
  if (Object.keys(files).length > 0) await commit(path, files)
  return { path }
}

const urlWithKey = (system: Owner, repository: Repository): string =>
  repository.gitUrl.replace('://', `://test:${system.token}@`)

/** Branch → commit, as a person's Git sees them. */
export async function branchesOf(system: Owner, url: string): Promise<Map<string, string>> {
  const lines = (await git(system.directory, 'ls-remote', '--heads', url)).split('\n').filter(Boolean)
  return new Map(
    lines.map(line => {
      const [id, ref] = line.split('\t') as [string, string]
      return [ref.slice('refs/heads/'.length), id]
    }),
  )
}

/** A fresh clone of one branch, as a person would make it. */
export async function cloneOf(system: Owner, url: string, branch: string): Promise<string> {
  const path = join(await mkdtemp(join(system.directory, 'clone-')), 'clone')
  await git(system.directory, 'clone', '--quiet', '--branch', branch, url, path)
  return path
}
