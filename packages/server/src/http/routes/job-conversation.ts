// Talking to a job: reply, decide what it asks, see what it asked.
import { Answers, Approval, Decision, isTerminal } from '@flowforge/protocol'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { decideRequest } from '../../jobs/approve.ts'
import { replyToJob } from '../../jobs/reply.ts'
import { viewApproval, viewJob } from '../../jobs/view.ts'
import { listApprovals } from '../../store/conversations.ts'
import type { HttpContext } from '../context.ts'
import { IdempotencyHeader, onceOf } from '../idempotency.ts'
import { pageOf } from '../pages.ts'
import { Problem } from '../problems.ts'
import { JobReference, requireJob } from './jobs.ts'
import { JobBody } from './new-job.ts'

const MAX_TEXT_CHARACTERS = 100_000
const text = z
  .string()
  .max(MAX_TEXT_CHARACTERS, `A reply has at most ${MAX_TEXT_CHARACTERS} characters`)
  .refine(value => !value.includes('\0'), 'NUL characters can not be used')

const Reply = z
  .strictObject({
    text: text.optional(),
    answers: Answers.refine(
      answers => Object.keys(answers).length > 0,
      'Answer one question or more, or leave it out',
    )
      .optional()
      .meta({ description: "To questions: by the question's words, its heading, or its number from 1" }),
  })
  .refine(reply => reply.answers !== undefined || (reply.text ?? '').trim() !== '', {
    path: ['text'],
    message: 'Say something, or give answers',
  })
  .meta({ id: 'Reply' })

const Verdict = z
  .strictObject({ requestId: z.string().min(1).max(200), decision: Decision, note: text.optional() })
  .meta({ id: 'Verdict' })

const ApprovalBody = Approval.meta({ id: 'Approval' })

export const jobConversationRoutes =
  (context: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    const { database } = context
    const errors = { 401: Problem, 404: Problem, 409: Problem, 422: Problem }
    const idOf = (organizationId: string, reference: string): Promise<string> =>
      database.inOrganization(
        organizationId,
        async tx => (await requireJob(tx, organizationId, reference)).id,
      )

    app.post(
      '/jobs/:id/reply',
      {
        schema: {
          operationId: 'replyToJob',
          tags: ['jobs'],
          params: JobReference,
          body: Reply,
          headers: IdempotencyHeader,
          response: { 200: JobBody, ...errors },
        },
      },
      async request => {
        const id = await idOf(request.principal.organizationId, request.params.id)
        const once = onceOf(request.headers, `POST /jobs/${id}/reply`, request.body)
        return viewJob(await replyToJob(context, request.principal, id, request.body, once))
      },
    )

    app.post(
      '/jobs/:id/approve',
      {
        schema: {
          operationId: 'decideRequest',
          tags: ['jobs'],
          params: JobReference,
          body: Verdict,
          headers: IdempotencyHeader,
          response: { 200: JobBody, ...errors },
        },
      },
      async request => {
        const id = await idOf(request.principal.organizationId, request.params.id)
        const once = onceOf(request.headers, `POST /jobs/${id}/approve`, request.body)
        return viewJob(await decideRequest(context, request.principal, id, request.body, once))
      },
    )

    app.get(
      '/jobs/:id/approvals',
      {
        schema: {
          operationId: 'listApprovals',
          tags: ['jobs'],
          params: JobReference,
          response: { 200: pageOf(ApprovalBody), ...errors },
        },
      },
      async request => {
        const { organizationId } = request.principal
        const data = await database.inOrganization(organizationId, async tx => {
          const job = await requireJob(tx, organizationId, request.params.id)
          const isOver = isTerminal(job.state)
          return (await listApprovals(tx, job.id)).map(row => viewApproval(row, isOver))
        })
        return { data, nextCursor: null, hasMore: false }
      },
    )
  }
