// Repositories: upstream ones by their Git URL, and hosted ones that are pushed straight to FlowForge.
import type { ListOptions } from './jobs.ts'
import { createPages, type Pages } from './pages.ts'
import { type CallOptions, type CreateOptions, idempotency, type Transport } from './transport.ts'
import type { NewRepository, Repository } from './types.ts'

export interface Repositories {
  create(repository: NewRepository, options?: CreateOptions): Promise<Repository>
  list(options?: ListOptions): Pages<Repository>
  get(id: string, options?: CallOptions): Promise<Repository>
  remove(id: string, options?: CallOptions): Promise<void>
  /** How many jobs of the repository may run at once; null: as many as there is room for. */
  setMaxRunning(id: string, maxRunning: number | null, options?: CallOptions): Promise<Repository>
  /** The domains that jobs may reach; replaces the list and returns it. */
  setEgress(id: string, allow: string[], options?: CallOptions): Promise<string[]>
}

export function createRepositories({ client }: Transport): Repositories {
  return {
    create: async (repository, options = {}) => {
      const { data } = await client.POST('/api/v1/repositories', {
        body: repository,
        ...idempotency(options),
      })
      return data!
    },
    list: ({ signal, ...query } = {}) =>
      createPages(async cursor => {
        const { data } = await client.GET('/api/v1/repositories', {
          params: { query: cursor === undefined ? query : { ...query, cursor } },
          signal,
        })
        return data!
      }),
    get: async (id, { signal } = {}) =>
      (await client.GET('/api/v1/repositories/{id}', { params: { path: { id } }, signal })).data!,
    remove: async (id, { signal } = {}) => {
      await client.DELETE('/api/v1/repositories/{id}', { params: { path: { id } }, signal })
    },
    setMaxRunning: async (id, maxRunning, { signal } = {}) => {
      const { data } = await client.PATCH('/api/v1/repositories/{id}', {
        params: { path: { id } },
        body: { maxRunning },
        signal,
      })
      return data!
    },
    setEgress: async (id, allow, { signal } = {}) => {
      const { data } = await client.PUT('/api/v1/repositories/{id}/egress', {
        params: { path: { id } },
        body: { allow },
        signal,
      })
      return data!.allow
    },
  }
}
