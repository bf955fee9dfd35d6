// Jobs: submit, list, show, change; cancel, retry, interrupt.
import { JobState, Priority } from '@flowforge/protocol'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { FlowForgeError } from '../../errors.ts'
import { cancelJob } from '../../jobs/cancel.ts'
import { changeJob } from '../../jobs/change.ts'
import { interruptJob } from '../../jobs/interrupt.ts'
import { retryJobOnce } from '../../jobs/retry.ts'
import { submitBatch, submitJob } from '../../jobs/submit.ts'
import { viewJob } from '../../jobs/view.ts'
import type { Transaction } from '../../store/database.ts'
import { listDependents, listPredecessors } from '../../store/dependents.ts'
import { findJob, type JobRow, listJobs } from '../../store/jobs.ts'
import { queuePosition } from '../../store/queue.ts'
import type { HttpContext } from '../context.ts'
import { IdempotencyHeader, onceOf } from '../idempotency.ts'
import { isUuid, PageQuery, page, pageOf, readCursor } from '../pages.ts'
import { Problem } from '../problems.ts'
import { BudgetUsd, JobBody, NewBatch, NewJob, RunAt, submissionOf } from './new-job.ts'

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
    /** A number alone, of a job that the person may see: how the queues of the others stand against it stays unsaid. */
    const positionOf = async (job: JobRow): Promise<number | undefined> =>
      job.state === 'queued' && job.not_before === null
        ? database.acrossOrganizations(tx => queuePosition(tx, job))
        : undefined
    const errors = { 401: Problem, 404: Problem, 422: Problem }

    app.post(
      '/jobs',
      {
        schema: {
          operationId: 'createJob',
          tags: ['jobs'],
          body: NewJob,
          headers: IdempotencyHeader,
          response: { 201: JobBody, ...errors },
        },
      },
      async (request, reply) => {
        const once = onceOf(request.headers, 'POST /jobs', request.body)
        const { status, body } = await submitJob(context, request.principal, submissionOf(request.body), once)
        return reply
          .code(status as 201)
          .header('location', `/api/v1/jobs/${body.id}`)
          .send(body)
      },
    )

    app.post(
      '/jobs/batch',
      {
        schema: {
          operationId: 'createJobs',
          tags: ['jobs'],
          body: NewBatch,
          headers: IdempotencyHeader,
          response: { 201: z.object({ jobs: z.array(JobBody) }).meta({ id: 'Batch' }), ...errors },
        },
      },
      async (request, reply) => {
        const once = onceOf(request.headers, 'POST /jobs/batch', request.body)
        const submissions = request.body.jobs.map(submissionOf)
        const { body } = await submitBatch(context, request.principal, submissions, once)
        return reply.code(201).send(body)
      },
    )

    const ListQuery = PageQuery.extend({
      state: z.union([JobState, z.array(JobState)]).optional(),
      repositoryId: z.uuid().optional(),
      scheduleId: z.uuid().optional(),
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
        const { limit, cursor, state, repositoryId, scheduleId } = request.query
        const { organizationId } = request.principal
        const filter = {
          states: state === undefined ? null : [state].flat(),
          repositoryId: repositoryId ?? null,
          scheduleId: scheduleId ?? null,
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
        const job = await database.inOrganization(organizationId, tx =>
          requireJob(tx, organizationId, request.params.id),
        )
        return viewJob(job, await positionOf(job))
      },
    )

    const Change = z
      .strictObject({
        priority: Priority.optional(),
        budgetUsd: BudgetUsd.nullable().optional(),
        runAt: RunAt.nullable().optional(),
      })
      .refine(change => Object.keys(change).length > 0, 'Say what to change: priority, budgetUsd or runAt')
      .meta({ id: 'JobChange' })
    app.patch(
      '/jobs/:id',
      {
        schema: {
          operationId: 'changeJob',
          tags: ['jobs'],
          params: JobReference,
          body: Change,
          response: { 200: JobBody, 409: Problem, ...errors },
        },
      },
      async request => {
        const id = await idOf(request.principal.organizationId, request.params.id)
        const { runAt, ...change } = request.body
        return viewJob(
          await changeJob(context, request.principal, id, {
            ...change,
            runAt: typeof runAt === 'string' ? new Date(runAt) : runAt,
          }),
        )
      },
    )

    const RelatedJob = z
      .object({ id: z.string(), number: z.int(), state: JobState, task: z.string() })
      .meta({ id: 'RelatedJob' })
    const related = ({ id, number, state, task }: JobRow) => ({ id, number, state, task })
    app.get(
      '/jobs/:id/relations',
      {
        schema: {
          operationId: 'getJobRelations',
          tags: ['jobs'],
          summary: 'The jobs that this one needs, and those that wait for it',
          params: JobReference,
          response: {
            200: z
              .object({ needs: z.array(RelatedJob), dependents: z.array(RelatedJob) })
              .meta({ id: 'JobRelations' }),
            ...errors,
          },
        },
      },
      async request => {
        const { organizationId } = request.principal
        return database.inOrganization(organizationId, async tx => {
          const { id, needs, start_after } = await requireJob(tx, organizationId, request.params.id)
          const predecessors = start_after === null ? needs : [...needs, start_after]
          return {
            needs: (await listPredecessors(tx, organizationId, predecessors)).map(related),
            dependents: (await listDependents(tx, organizationId, id)).map(related),
          }
        })
      },
    )

    const idOf = async (organizationId: string, reference: string): Promise<string> =>
      (await database.inOrganization(organizationId, tx => requireJob(tx, organizationId, reference))).id

    app.post(
      '/jobs/:id/retry',
      {
        schema: {
          operationId: 'retryJob',
          tags: ['jobs'],
          params: JobReference,
          headers: IdempotencyHeader,
          response: { 200: JobBody, 409: Problem, ...errors },
        },
      },
      async request => {
        const id = await idOf(request.principal.organizationId, request.params.id)
        const once = onceOf(request.headers, `POST /jobs/${id}/retry`, null)
        return (await retryJobOnce(context, request.principal, id, once, job => viewJob(job))).body
      },
    )

    // Doing these twice is no error: they need no key.
    const ACTS = {
      cancel: { operationId: 'cancelJob', act: cancelJob },
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
        async request =>
          viewJob(
            await act(
              context,
              request.principal,
              await idOf(request.principal.organizationId, request.params.id),
            ),
          ),
      )
    }
  }
