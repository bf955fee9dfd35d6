// Jobs: submit, list, show; cancel, retry, interrupt.
import { createHash } from 'node:crypto'
import { Job, JobState, Priority, Questions } from '@flowforge/protocol'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { FlowForgeError } from '../../errors.ts'
import { cancelJob } from '../../jobs/cancel.ts'
import { interruptJob } from '../../jobs/interrupt.ts'
import { retryJob } from '../../jobs/retry.ts'
import { type Once, submitJob } from '../../jobs/submit.ts'
import { viewJob } from '../../jobs/view.ts'
import { listAttempts } from '../../store/attempts.ts'
import type { Transaction } from '../../store/database.ts'
import { findJob, type JobRow, listJobs, queuePosition } from '../../store/jobs.ts'
import type { HttpContext } from '../context.ts'
import { isUuid, PageQuery, page, pageOf, readCursor } from '../pages.ts'
import { Problem } from '../problems.ts'

const MAX_TASK_CHARACTERS = 100_000
const hasNoNul = (text: string): boolean => !text.includes('\0')
const NUL_REFUSED = 'NUL characters can not be used'
const command = z.string().trim().min(1).max(10_000).refine(hasNoNul, NUL_REFUSED)
export const JobBody = Job.meta({ id: 'Job' })

const NewJob = z
  .strictObject({
    repositoryId: z.uuid(),
    task: z
      .string()
      .refine(text => text.trim() !== '', 'Say in words what is to be done')
      .refine(hasNoNul, NUL_REFUSED)
      .max(
        MAX_TASK_CHARACTERS,
        `A task has at most ${MAX_TASK_CHARACTERS} characters; put long material into the repository`,
      ),
    baseBranch: z.string().min(1).max(250).optional(),
    branch: z.string().min(1).max(250).optional(),
    priority: Priority.optional(),
    runAt: z.iso.datetime({ offset: true }).optional(),
    verify: z.array(command).max(20).optional(),
    setup: z.array(command).max(20).optional(),
    environment: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
        z.string().max(10_000).refine(hasNoNul, NUL_REFUSED),
      )
      .optional(),
    model: z.string().min(1).max(100).optional(),
    budgetUsd: z.number().positive().max(100_000).optional(),
    timeoutSeconds: z
      .int()
      .min(10)
      .max(7 * 24 * 3600)
      .optional(),
    maxAttempts: z.int().min(1).max(20).optional(),
    planFirst: z.boolean().optional(),
    questions: Questions.optional(),
  })
  .meta({ id: 'NewJob' })

const Attempt = z
  .object({
    number: z.int(),
    workerId: z.string(),
    startedAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
    endReason: z.string().nullable(),
    pushedCommit: z.string().nullable(),
    sessionId: z.string().nullable(),
  })
  .meta({ id: 'Attempt' })

export const JobReference = z.object({ id: z.string().meta({ description: "The job's id, or its number" }) })

/** Finds a job by id or number within the organization; `job_not_found` otherwise, also for what is neither. */
export async function requireJob(
  tx: Transaction,
  organizationId: string,
  reference: string,
): Promise<JobRow> {
  const readable = isUuid(reference) || /^[0-9]{1,9}$/.test(reference)
  const job = readable ? await findJob(tx, organizationId, reference) : undefined
  if (!job)
    throw new FlowForgeError(
      'job_not_found',
      `There is no job ${reference.slice(0, 100)}. List them with: flowforge job list`,
    )
  return job
}

export const jobRoutes =
  (context: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    const { database } = context
    const errors = { 401: Problem, 404: Problem, 422: Problem }

    app.post(
      '/jobs',
      {
        schema: {
          operationId: 'createJob',
          tags: ['jobs'],
          body: NewJob,
          headers: z.object({ 'idempotency-key': z.string().min(1).max(255).optional() }),
          response: { 201: JobBody, ...errors },
        },
      },
      async (request, reply) => {
        const { runAt, ...submission } = request.body
        const once = onceOf(request.headers['idempotency-key'], request.body)
        const answer = await submitJob(
          context,
          request.principal,
          { ...submission, runAt: runAt === undefined ? undefined : new Date(runAt) },
          once,
        )
        const job = answer.body as Job
        return reply.code(201).header('location', `/api/v1/jobs/${job.id}`).send(job)
      },
    )

    const ListQuery = PageQuery.extend({
      state: z.union([JobState, z.array(JobState)]).optional(),
      repositoryId: z.uuid().optional(),
    })
    app.get(
      '/jobs',
      {
        schema: {
          operationId: 'listJobs',
          tags: ['jobs'],
          querystring: ListQuery,
          response: { 200: pageOf(JobBody), ...errors },
        },
      },
      async request => {
        const { limit, cursor, state, repositoryId } = request.query
        const { organizationId } = request.principal
        const filter = {
          states: state === undefined ? null : [state].flat(),
          repositoryId: repositoryId ?? null,
        }
        const rows = await database.inOrganization(organizationId, tx =>
          listJobs(tx, organizationId, filter, { limit: limit + 1, before: readCursor(cursor) }),
        )
        return page(rows, limit, row => viewJob(row))
      },
    )

    app.get(
      '/jobs/:id',
      {
        schema: {
          operationId: 'getJob',
          tags: ['jobs'],
          params: JobReference,
          response: { 200: JobBody, ...errors },
        },
      },
      async request => {
        const { organizationId } = request.principal
        return database.inOrganization(organizationId, async tx => {
          const job = await requireJob(tx, organizationId, request.params.id)
          return viewJob(job, job.state === 'queued' ? await queuePosition(tx, job) : undefined)
        })
      },
    )

    app.get(
      '/jobs/:id/attempts',
      {
        schema: {
          operationId: 'listAttempts',
          tags: ['jobs'],
          params: JobReference,
          response: { 200: pageOf(Attempt), ...errors },
        },
      },
      async request => {
        const { organizationId } = request.principal
        const attempts = await database.inOrganization(organizationId, async tx =>
          listAttempts(tx, organizationId, (await requireJob(tx, organizationId, request.params.id)).id),
        )
        const data = attempts.map(attempt => ({
          number: attempt.number,
          workerId: attempt.worker_id,
          startedAt: attempt.started_at.toISOString(),
          endedAt: attempt.ended_at?.toISOString() ?? null,
          endReason: attempt.end_reason,
          pushedCommit: attempt.pushed_commit,
          sessionId: attempt.session_id,
        }))
        return { data, nextCursor: null, hasMore: false }
      },
    )

    const ACTS = {
      cancel: { operationId: 'cancelJob', act: cancelJob },
      retry: { operationId: 'retryJob', act: retryJob },
      interrupt: { operationId: 'interruptJob', act: interruptJob },
    }
    for (const [name, { operationId, act }] of Object.entries(ACTS)) {
      app.post(
        `/jobs/:id/${name}`,
        {
          schema: {
            operationId,
            tags: ['jobs'],
            params: JobReference,
            response: { 200: JobBody, 409: Problem, ...errors },
          },
        },
        async request => {
          const { organizationId } = request.principal
          const { id } = await database.inOrganization(organizationId, tx =>
            requireJob(tx, organizationId, request.params.id),
          )
          return viewJob(await act(context, request.principal, id))
        },
      )
    }
  }

function onceOf(key: string | undefined, body: unknown): Once | null {
  if (key === undefined) return null
  return {
    key,
    requestHash: createHash('sha256')
      .update(`POST /jobs\n${canonical(body)}`)
      .digest('hex'),
  }
}

/** JSON with sorted names: the same request in another order is the same request. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_name, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
