// The story of a job: events, stream, log, diff.
import { Readable } from 'node:stream'
import { JobEventEnvelope } from '@flowforge/protocol'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { FlowForgeError } from '../../errors.ts'
import { renderLog } from '../../live/log-text.ts'
import type { StoryPage } from '../../live/story.ts'
import { listAttempts } from '../../store/attempts.ts'
import type { Transaction } from '../../store/database.ts'
import type { JobRow } from '../../store/jobs.ts'
import type { HttpContext } from '../context.ts'
import { sendEventStream } from '../event-stream.ts'
import { Problem } from '../problems.ts'
import { JobReference, requireJob } from './jobs.ts'

const seq = z.coerce
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1)
const Event = JobEventEnvelope.meta({ id: 'JobEvent' })
const MAX_DIFF_BYTES = 5 * 1024 * 1024
const LOG_PAGE = 1000

const NO_STORY = 'The story of this job was removed: it is kept no longer (retention).\n'

async function* logPages(
  first: StoryPage,
  read: (after: number) => Promise<StoryPage>,
): AsyncGenerator<string> {
  if (first.lastSeq > 0 && first.events.length === 0) yield NO_STORY
  for (let page = first; page.events.length > 0; page = await read(page.events.at(-1)!.seq!))
    yield page.events.map(renderLog).join('')
}

const Diff = z
  .object({
    base: z.string(),
    head: z.string(),
    stat: z.object({ filesChanged: z.int(), insertions: z.int(), deletions: z.int() }),
    /** Unified, as `git diff` prints it. */
    diff: z.string(),
    truncated: z.boolean(),
  })
  .meta({ id: 'Diff' })

export const jobStoryRoutes =
  (context: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    const { database } = context
    const errors = { 401: Problem, 404: Problem, 422: Problem, 503: Problem }

    const EventsQuery = z.object({
      after: seq.default(0),
      limit: z.coerce.number().int().min(1).max(1000).default(500),
    })
    const EventPage = z.object({
      data: z.array(Event),
      nextCursor: z.string().nullable(),
      hasMore: z.boolean(),
    })
    app.get(
      '/jobs/:id/events',
      {
        schema: {
          operationId: 'listEvents',
          tags: ['jobs'],
          params: JobReference,
          querystring: EventsQuery,
          response: { 200: EventPage, ...errors },
        },
      },
      async request => {
        const { organizationId } = request.principal
        const { after, limit } = request.query
        const { id: jobId } = await database.inOrganization(organizationId, tx =>
          requireJob(tx, organizationId, request.params.id),
        )
        const { events, lastSeq } = await context.story.read({ organizationId, jobId }, after, { limit })
        const last = events.at(-1)?.seq ?? lastSeq
        const hasMore = last < lastSeq
        return {
          data: events as z.infer<typeof Event>[],
          nextCursor: hasMore ? String(last) : null,
          hasMore,
        }
      },
    )

    app.get(
      '/jobs/:id/stream',
      {
        schema: {
          operationId: 'streamEvents',
          tags: ['jobs'],
          description:
            'Server-Sent Events; `id:` is the seq, `Last-Event-ID` is honoured. Ends when the job has; a client that asks again from its end is answered 204.',
          params: JobReference,
          querystring: z.object({ after: seq.optional() }),
        },
      },
      async (request, reply) => {
        const { organizationId } = request.principal
        const job = await database.inOrganization(organizationId, tx =>
          requireJob(tx, organizationId, request.params.id),
        )
        const lastEventId = seq.safeParse(request.headers['last-event-id'])
        const after = lastEventId.success ? lastEventId.data : (request.query.after ?? 0)
        if (after >= job.last_seq && job.finished_at !== null) return reply.code(204).send()
        // What can not be read is said before the answer has begun; afterwards the stream could only break off.
        await context.recentEvents.read({ organizationId, jobId: job.id }, after)
        return sendEventStream(
          request,
          reply,
          signal =>
            context.jobStreams.watch({ organizationId, jobId: job.id, after, signal, untilFinished: true }),
          context.closing.streamsEnd,
        )
      },
    )

    app.get(
      '/jobs/:id/log',
      {
        schema: {
          operationId: 'getLog',
          tags: ['jobs'],
          description: 'The story as plain text.',
          params: JobReference,
        },
      },
      async (request, reply) => {
        const { organizationId } = request.principal
        const job = await database.inOrganization(organizationId, tx =>
          requireJob(tx, organizationId, request.params.id),
        )
        const subject = { organizationId, jobId: job.id }
        const read = (after: number) => context.story.read(subject, after, { limit: LOG_PAGE })
        const first = await read(0)
        return reply.type('text/plain; charset=utf-8').send(Readable.from(logPages(first, read)))
      },
    )

    app.get(
      '/jobs/:id/diff',
      {
        schema: {
          operationId: 'getDiff',
          tags: ['jobs'],
          description: 'As JSON, or as a unified diff with `Accept: text/x-diff`.',
          params: JobReference,
          querystring: z.object({
            attempt: z.coerce
              .number()
              .int()
              .min(1)
              .optional()
              .meta({ description: 'What this attempt pushed, or what was saved of it when it broke off' }),
          }),
          response: { 200: Diff, ...errors },
        },
      },
      async (request, reply) => {
        const { organizationId } = request.principal
        const { job, head: found } = await database.inOrganization(organizationId, async tx => {
          const job = await requireJob(tx, organizationId, request.params.id)
          return { job, head: await headOf(tx, job, request.query.attempt) }
        })
        if (!job.base_commit)
          throw new FlowForgeError('not_found', 'The job has not started yet: there is no diff.')
        const head = found ?? job.base_commit
        const diff =
          head === job.base_commit
            ? { stat: { filesChanged: 0, insertions: 0, deletions: 0 }, diff: '', truncated: false }
            : await context.files.diff(job.repository_id, job.base_commit, head, { maxBytes: MAX_DIFF_BYTES })
        if (/text\/(x-diff|plain)/.test(request.headers.accept ?? '')) {
          return reply
            .type('text/x-diff; charset=utf-8')
            .serializer(String)
            .send(diff.diff as never)
        }
        return { base: job.base_commit, head, ...diff }
      },
    )
  }

/** The newest commit of the job, or of one of its attempts: pushed, or saved when it broke off. */
async function headOf(tx: Transaction, job: JobRow, number: number | undefined): Promise<string | null> {
  if (number === undefined) return job.head_commit
  const attempts = await listAttempts(tx, job.organization_id, job.id)
  const attempt = attempts.find(each => each.number === number)
  if (!attempt) throw new FlowForgeError('not_found', `The job has no attempt ${number}.`)
  return attempt.rescued_commit ?? attempt.pushed_commit ?? attempt.work_commit
}
