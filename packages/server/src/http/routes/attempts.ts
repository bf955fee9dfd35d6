// The attempts of a job: who ran each, where, how it ended, and what is left of it.
import { FailureCode } from '@flowforge/protocol'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { rescueRef } from '../../git/refname.ts'
import { type AttemptRow, listAttempts } from '../../store/attempts.ts'
import type { HttpContext } from '../context.ts'
import { pageOf } from '../pages.ts'
import { Problem } from '../problems.ts'
import { JobReference, requireJob } from './jobs.ts'

const Attempt = z
  .object({
    number: z.int(),
    workerId: z.string(),
    /** Rises with each worker that takes the attempt over. */
    epoch: z.int(),
    startedAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
    /** succeeded, failed, cancelled, requeued or lost; null while it runs. */
    endReason: z.string().nullable(),
    /** The code that it failed with. */
    failure: FailureCode.nullable(),
    containers: z.array(z.object({ phase: z.string(), executor: z.string(), id: z.string() })),
    pushedCommit: z.string().nullable(),
    /** What was saved of an attempt that broke off, and where it can be fetched from. */
    rescuedCommit: z.string().nullable(),
    rescueRef: z.string().nullable(),
    sessionId: z.string().nullable(),
  })
  .meta({ id: 'Attempt' })

export const attemptRoutes =
  ({ database }: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    app.get(
      '/jobs/:id/attempts',
      {
        schema: {
          operationId: 'listAttempts',
          tags: ['jobs'],
          params: JobReference,
          response: { 200: pageOf(Attempt), 401: Problem, 404: Problem },
        },
      },
      async request => {
        const { organizationId } = request.principal
        const attempts = await database.inOrganization(organizationId, async tx =>
          listAttempts(tx, organizationId, (await requireJob(tx, organizationId, request.params.id)).id),
        )
        return { data: attempts.map(view), nextCursor: null, hasMore: false }
      },
    )
  }

const view = (attempt: AttemptRow): z.infer<typeof Attempt> => ({
  number: attempt.number,
  workerId: attempt.worker_id,
  epoch: attempt.epoch,
  startedAt: attempt.started_at.toISOString(),
  endedAt: attempt.ended_at?.toISOString() ?? null,
  endReason: attempt.end_reason,
  failure: attempt.failure,
  containers: Object.values(attempt.containers).map(({ phase, executor, id }) => ({ phase, executor, id })),
  pushedCommit: attempt.pushed_commit,
  rescuedCommit: attempt.rescued_commit,
  rescueRef: attempt.rescued_commit && rescueRef(attempt.job_id, attempt.number),
  sessionId: attempt.session_id,
})
