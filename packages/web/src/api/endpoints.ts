// Every endpoint that the console uses, one line each. Knows paths and shapes; no cache, no React.
import { call } from './client.ts'
import type {
  ApiKey,
  Attempt,
  Job,
  JobChange,
  JobDiff,
  JobFilter,
  JobRelations,
  Me,
  NewApiKey,
  NewJob,
  NewSchedule,
  Page,
  Reply,
  Repository,
  Schedule,
  ScheduleChange,
  SchedulePreview,
  StreamedEvent,
  System,
  Verdict,
} from './types.ts'

const v1 = '/api/v1'
const id = encodeURIComponent

/** With the one-time link that the first start prints. */
export const signInByLink = (token: string) =>
  call<void>('POST', '/api/auth/sign-in/link', { body: { token } })
export const signIn = (key: string) => call<void>('POST', '/api/auth/sign-in/api-key', { body: { key } })
export const signOut = () => call<void>('POST', '/api/auth/sign-out', { body: {} })
export const getMe = (signal?: AbortSignal) => call<Me>('GET', `${v1}/me`, { signal })
export const getSystem = (signal?: AbortSignal) => call<System>('GET', `${v1}/system`, { signal })

export const JOBS_PER_PAGE = 50
export const listJobs = (filter: JobFilter, cursor: string | undefined, signal?: AbortSignal) =>
  call<Page<Job>>('GET', `${v1}/jobs`, { query: { ...filter, limit: JOBS_PER_PAGE, cursor }, signal })
export const getJob = (jobId: string, signal?: AbortSignal) =>
  call<Job>('GET', `${v1}/jobs/${id(jobId)}`, { signal })
export const submitJob = (body: NewJob, idempotencyKey: string) =>
  call<Job>('POST', `${v1}/jobs`, { body, idempotencyKey })
export const changeJob = (jobId: string, body: JobChange) =>
  call<Job>('PATCH', `${v1}/jobs/${id(jobId)}`, { body })
export const cancelJob = (jobId: string) => call<Job>('POST', `${v1}/jobs/${id(jobId)}/cancel`, { body: {} })
export const replyToJob = (jobId: string, body: Reply, idempotencyKey: string) =>
  call<Job>('POST', `${v1}/jobs/${id(jobId)}/reply`, { body, idempotencyKey })
export const decideRequest = (jobId: string, body: Verdict, idempotencyKey: string) =>
  call<Job>('POST', `${v1}/jobs/${id(jobId)}/approve`, { body, idempotencyKey })
export const getDiff = (jobId: string, signal?: AbortSignal) =>
  call<JobDiff>('GET', `${v1}/jobs/${id(jobId)}/diff`, { signal })
export const listAttempts = (jobId: string, signal?: AbortSignal) =>
  call<Page<Attempt>>('GET', `${v1}/jobs/${id(jobId)}/attempts`, { signal })
export const EVENTS_PER_PAGE = 500
export const listEvents = (jobId: string, after: number, signal?: AbortSignal) =>
  call<Page<StreamedEvent>>('GET', `${v1}/jobs/${id(jobId)}/events`, {
    query: { after, limit: EVENTS_PER_PAGE },
    signal,
  })
export const streamPath = (jobId: string, after: number) => `${v1}/jobs/${id(jobId)}/stream?after=${after}`

export const listRepositories = (cursor: string | undefined, signal?: AbortSignal) =>
  call<Page<Repository>>('GET', `${v1}/repositories`, { query: { limit: 100, cursor }, signal })
export const addRepository = (body: { name: string; url?: string }, idempotencyKey: string) =>
  call<Repository>('POST', `${v1}/repositories`, { body, idempotencyKey })
export const removeRepository = (repositoryId: string) =>
  call<void>('DELETE', `${v1}/repositories/${id(repositoryId)}`)

export const getRelations = (jobId: string, signal?: AbortSignal) =>
  call<JobRelations>('GET', `${v1}/jobs/${id(jobId)}/relations`, { signal })

export const listSchedules = (cursor: string | undefined, signal?: AbortSignal) =>
  call<Page<Schedule>>('GET', `${v1}/schedules`, { query: { limit: 100, cursor }, signal })
export const previewSchedule = (cron: string, timezone: string, signal?: AbortSignal) =>
  call<SchedulePreview>('GET', `${v1}/schedules/preview`, { query: { cron, timezone }, signal })
export const createSchedule = (body: NewSchedule, idempotencyKey: string) =>
  call<Schedule>('POST', `${v1}/schedules`, { body, idempotencyKey })
export const changeSchedule = (scheduleId: string, body: ScheduleChange) =>
  call<Schedule>('PATCH', `${v1}/schedules/${id(scheduleId)}`, { body })
export const removeSchedule = (scheduleId: string) =>
  call<void>('DELETE', `${v1}/schedules/${id(scheduleId)}`)
export const runSchedule = (scheduleId: string, idempotencyKey: string) =>
  call<Job>('POST', `${v1}/schedules/${id(scheduleId)}/run`, { idempotencyKey })

export const listApiKeys = (cursor: string | undefined, signal?: AbortSignal) =>
  call<Page<ApiKey>>('GET', `${v1}/api-keys`, { query: { limit: 100, cursor }, signal })
export const createApiKey = (body: { name: string }, idempotencyKey: string) =>
  call<NewApiKey>('POST', `${v1}/api-keys`, { body, idempotencyKey })
export const revokeApiKey = (keyId: string) => call<void>('DELETE', `${v1}/api-keys/${id(keyId)}`)

/** All rows of a list that is small by nature. Bounded, so that a broken cursor can't loop for ever. */
export async function all<T>(page: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const rows: T[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < 50; pages += 1) {
    const { data, nextCursor, hasMore } = await page(cursor)
    rows.push(...data)
    if (!hasMore || !nextCursor) break
    cursor = nextCursor
  }
  return rows
}
