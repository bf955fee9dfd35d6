// API keys: what programs sign in with.
import { createPages, type Pages } from './pages.ts'
import { type CallOptions, type CreateOptions, idempotency, type Transport } from './transport.ts'
import type { ApiKey, NewApiKey } from './types.ts'

export interface ApiKeys {
  /** The answer holds the key itself, this once. */
  create(key: { name: string }, options?: CreateOptions): Promise<NewApiKey>
  list(options?: CallOptions): Pages<ApiKey>
  revoke(id: string, options?: CallOptions): Promise<void>
}

export function createApiKeys({ client }: Transport): ApiKeys {
  return {
    create: async (key, options = {}) =>
      (await client.POST('/api/v1/api-keys', { body: key, ...idempotency(options) })).data!,
    // One page today; pages like every list, so that callers need not change when it grows.
    list: ({ signal } = {}) =>
      createPages(async () => (await client.GET('/api/v1/api-keys', { signal })).data!),
    revoke: async (id, { signal } = {}) => {
      await client.DELETE('/api/v1/api-keys/{id}', { params: { path: { id } }, signal })
    },
  }
}
