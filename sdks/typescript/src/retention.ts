// How long an organization keeps its jobs, their stories and artifacts, and unused mirrors.
import type { CallOptions, Transport } from './transport.ts'
import type { KeepDays, Retention, RetentionPreview, RetentionRun } from './types.ts'

export interface RetentionSettings {
  get(options?: CallOptions): Promise<Retention>
  /** All of them at once. Takes effect within the hour: ask for a preview first. */
  set(keepDays: KeepDays, options?: CallOptions): Promise<Retention>
  /** Back to what the installation says. */
  clear(options?: CallOptions): Promise<Retention>
  /** What would go now, with the settings that stand or with some of them changed. Deletes nothing. */
  preview(changes?: Partial<KeepDays>, options?: CallOptions): Promise<RetentionPreview>
  run(options?: CallOptions): Promise<RetentionRun>
}

export function createRetention({ client }: Transport): RetentionSettings {
  return {
    get: async ({ signal } = {}) => (await client.GET('/api/v1/retention', { signal })).data!,
    set: async (body, { signal } = {}) => (await client.PUT('/api/v1/retention', { body, signal })).data!,
    clear: async ({ signal } = {}) => (await client.DELETE('/api/v1/retention', { signal })).data!,
    preview: async (body = {}, { signal } = {}) =>
      (await client.POST('/api/v1/retention/preview', { body, signal })).data!,
    run: async ({ signal } = {}) => (await client.POST('/api/v1/retention/run', { signal })).data!,
  }
}
