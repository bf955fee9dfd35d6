// Schedules: jobs that are submitted again and again.
import { createPages, type Pages } from './pages.ts'
import { type CallOptions, type CreateOptions, idempotency, type Transport } from './transport.ts'
import type { Job, NewSchedule, Schedule, ScheduleChange, SchedulePreview, ScheduleRun } from './types.ts'

export interface Schedules {
  create(schedule: NewSchedule, options?: CreateOptions): Promise<Schedule>
  /** Newest first. */
  list(options?: CallOptions & { limit?: number }): Pages<Schedule>
  get(id: string, options?: CallOptions): Promise<Schedule>
  /** `enabled: false` pauses it. */
  change(id: string, change: ScheduleChange, options?: CallOptions): Promise<Schedule>
  /** Its jobs stay. */
  remove(id: string, options?: CallOptions): Promise<void>
  /** Submits its job now, besides its due times. */
  run(id: string, options?: CreateOptions): Promise<Job>
  /** The newest due times, and what became of them. */
  runs(id: string, options?: CallOptions): Promise<ScheduleRun[]>
  /** What a cron expression means, and when it is due next. */
  preview(cron: string, timezone?: string, options?: CallOptions): Promise<SchedulePreview>
}

export function createSchedules({ client }: Transport): Schedules {
  const one = (id: string) => ({ path: { id } })
  return {
    create: async (schedule, options = {}) =>
      (await client.POST('/api/v1/schedules', { body: schedule, ...idempotency(options) })).data!,
    list: ({ signal, ...query } = {}) =>
      createPages(async cursor => {
        const { data } = await client.GET('/api/v1/schedules', {
          params: { query: cursor === undefined ? query : { ...query, cursor } },
          signal,
        })
        return data!
      }),
    get: async (id, { signal } = {}) =>
      (await client.GET('/api/v1/schedules/{id}', { params: one(id), signal })).data!,
    change: async (id, change, { signal } = {}) =>
      (await client.PATCH('/api/v1/schedules/{id}', { params: one(id), body: change, signal })).data!,
    remove: async (id, { signal } = {}) => {
      await client.DELETE('/api/v1/schedules/{id}', { params: one(id), signal })
    },
    run: async (id, options = {}) =>
      (await client.POST('/api/v1/schedules/{id}/run', { params: one(id), ...idempotency(options) })).data!,
    runs: async (id, { signal } = {}) =>
      (await client.GET('/api/v1/schedules/{id}/runs', { params: one(id), signal })).data!.data,
    preview: async (cron, timezone, { signal } = {}) => {
      const query = timezone === undefined ? { cron } : { cron, timezone }
      return (await client.GET('/api/v1/schedules/preview', { params: { query }, signal })).data!
    },
  }
}
