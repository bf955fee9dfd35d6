// A person decides what Claude asked: a plan, a tool call, a question. Of two who decide, the first wins.
import type { Answers, Decision, NewEvent } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'
import { type ApprovalRow, decideApproval, findApproval } from '../store/conversations.ts'
import type { Database, Transaction } from '../store/database.ts'
import type { Once } from '../store/idempotency.ts'
import type { JobRow } from '../store/jobs.ts'
import { actOnce } from './act-once.ts'
import { lockNamedJob } from './named-job.ts'
import type { Submitter } from './submission.ts'
import { tellClaude } from './tell.ts'
import type { WaitContext } from './wait.ts'

export interface Verdict {
  decision: Decision
  note?: string | undefined
  answers?: Answers | undefined
}

/** `request_not_found` for what was never asked, `request_decided` for what nobody can decide any more. */
export const decideRequest = (
  context: WaitContext & { database: Database },
  by: Submitter,
  reference: string,
  { requestId, ...verdict }: Verdict & { requestId: string },
  once: Once | null = null,
): Promise<JobRow> =>
  actOnce(context.database, by, reference, once, async tx => {
    const job = await lockNamedJob(tx, by.organizationId, reference)
    const request = await findApproval(tx, job.id, requestId)
    if (!request) {
      throw new FlowForgeError(
        'request_not_found',
        `Job ${job.number} has not asked "${requestId.slice(0, 100)}". What it asks: flowforge job show ${job.number}`,
      )
    }
    if (request.decided_at)
      throw new FlowForgeError('request_decided', `This was decided already: ${request.decision}.`, {
        details: { decision: request.decision },
      })
    if (request.closed_at || job.state !== 'waiting')
      throw new FlowForgeError(
        'request_decided',
        `Nobody waits for this any more: job ${job.number} is ${job.state}.`,
        { details: { state: job.state } },
      )
    return decide(tx, context, job, request, verdict, by)
  })

/** The caller holds the job's lock and knows that the request is open. */
export async function decide(
  tx: Transaction,
  context: WaitContext,
  job: JobRow,
  request: ApprovalRow,
  { decision, note, answers }: Verdict,
  by: Submitter,
): Promise<JobRow> {
  const decided = { decision, note: note ?? null, answers: answers ?? null }
  await decideApproval(tx, job.id, request.request_id, { ...decided, by: by.userId })
  await context.events.append(tx, job, storyOf(request, { decision, note, answers }, by))
  return tellClaude(tx, context, job, {
    text: note ?? null,
    by: by.userId,
    request: { id: request.request_id, ...decided },
  })
}

const storyOf = (request: ApprovalRow, verdict: Verdict, by: Submitter): NewEvent[] => {
  const { decision, note, answers } = verdict
  // What a person wrote to Claude is a reply, whatever it was asked for.
  const said: NewEvent[] =
    note === undefined ? [] : [{ type: 'reply.received', data: { text: note, by: by.userId ?? undefined } }]
  if (request.kind === 'reply') return said
  const decided = { requestId: request.request_id, decision, note, answers, by: by.userId ?? undefined }
  return [{ type: 'approval.decided', data: decided }, ...said]
}
