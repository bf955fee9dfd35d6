// The client as programs use it: one object per server and credential.
import { type ApiKeys, createApiKeys } from './api-keys.ts'
import { createJobs, type Jobs } from './jobs.ts'
import { createRepositories, type Repositories } from './repositories.ts'
import { createRetention, type RetentionSettings } from './retention.ts'
import { createSchedules, type Schedules } from './schedules.ts'
import { type CallOptions, createTransport, type TransportOptions } from './transport.ts'
import type { DoctorCheck, Limits, Me, SystemInfo } from './types.ts'

export interface FlowForge {
  jobs: Jobs
  repositories: Repositories
  schedules: Schedules
  apiKeys: ApiKeys
  /** Who the credential stands for. */
  me(options?: CallOptions): Promise<Me>
  system(options?: CallOptions): Promise<SystemInfo>
  limits(options?: CallOptions): Promise<Limits>
  /** null: as many as there is room for. */
  setMaxRunning(maxRunning: number | null, options?: CallOptions): Promise<Limits>
  retention: RetentionSettings
  /** What the server finds when it looks at itself. */
  doctor(options?: CallOptions): Promise<DoctorCheck[]>
}

/** `createFlowForge({ baseUrl: 'http://127.0.0.1:7420', token: 'ffk_…' })`. Makes no request by itself. */
export function createFlowForge(options: TransportOptions): FlowForge {
  const transport = createTransport(options)
  const { client } = transport
  return {
    jobs: createJobs(transport),
    repositories: createRepositories(transport),
    schedules: createSchedules(transport),
    apiKeys: createApiKeys(transport),
    me: async ({ signal } = {}) => (await client.GET('/api/v1/me', { signal })).data!,
    system: async ({ signal } = {}) => (await client.GET('/api/v1/system', { signal })).data!,
    retention: createRetention(transport),
    limits: async ({ signal } = {}) => (await client.GET('/api/v1/limits', { signal })).data!,
    setMaxRunning: async (maxRunning, { signal } = {}) =>
      (await client.PATCH('/api/v1/limits', { body: { maxRunning }, signal })).data!,
    doctor: async ({ signal } = {}) => (await client.GET('/api/v1/doctor', { signal })).data!.checks,
  }
}
