// What is cached under which key and how fresh it has to be. Knows React Query; no component.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import {
  all,
  getDiff,
  getJob,
  getMe,
  getRelations,
  getSystem,
  listApiKeys,
  listAttempts,
  listJobs,
  listRepositories,
  listSchedules,
  previewSchedule,
} from './endpoints.ts'
import type { JobFilter } from './types.ts'

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => getMe(signal),
  staleTime: 5 * 60_000,
})

export const systemQuery = queryOptions({
  queryKey: ['system'],
  queryFn: ({ signal }) => getSystem(signal),
  staleTime: 5_000,
  refetchInterval: 15_000,
})

export const jobsQuery = (filter: JobFilter) =>
  infiniteQueryOptions({
    queryKey: ['jobs', filter],
    queryFn: ({ signal, pageParam }) => listJobs(filter, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => (page.hasMore ? (page.nextCursor ?? undefined) : undefined),
    // The live connection says when rows change; this is the net below it.
    refetchInterval: 30_000,
  })

export const jobQuery = (jobId: string) =>
  queryOptions({ queryKey: ['job', jobId], queryFn: ({ signal }) => getJob(jobId, signal) })

export const jobAttemptsQuery = (jobId: string) =>
  queryOptions({
    queryKey: ['job', jobId, 'attempts'],
    queryFn: async ({ signal }) => (await listAttempts(jobId, signal)).data,
  })

/** Below the job: what renews the one renews the other. */
export const jobRelationsQuery = (jobId: string) =>
  queryOptions({
    queryKey: ['job', jobId, 'relations'],
    queryFn: ({ signal }) => getRelations(jobId, signal),
    staleTime: 10_000,
  })

export const diffQuery = (jobId: string, headCommit: string | undefined) =>
  queryOptions({
    queryKey: ['job', jobId, 'diff', headCommit ?? null],
    queryFn: ({ signal }) => getDiff(jobId, signal),
    staleTime: 60_000,
  })

export const repositoriesQuery = queryOptions({
  queryKey: ['repositories'],
  queryFn: ({ signal }) => all(cursor => listRepositories(cursor, signal)),
  staleTime: 30_000,
})

export const schedulesQuery = queryOptions({
  queryKey: ['schedules'],
  queryFn: ({ signal }) => all(cursor => listSchedules(cursor, signal)),
  staleTime: 10_000,
  // Their next runs pass while one looks.
  refetchInterval: 60_000,
})

export const schedulePreviewQuery = (cron: string, timezone: string) =>
  queryOptions({
    queryKey: ['schedule-preview', cron, timezone],
    queryFn: ({ signal }) => previewSchedule(cron, timezone, signal),
    enabled: cron !== '' && timezone !== '',
    retry: false,
    staleTime: 30_000,
  })

export const apiKeysQuery = queryOptions({
  queryKey: ['api-keys'],
  queryFn: ({ signal }) => all(cursor => listApiKeys(cursor, signal)),
  staleTime: 30_000,
})
