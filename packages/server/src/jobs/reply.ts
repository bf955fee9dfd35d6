// A person's reply: goes to Claude as it works, answers what it waits for, or takes a finished job up again.
import { type Answers, isTerminal } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'
import { type ApprovalRow, listPendingApprovals } from '../store/conversations.ts'
import type { Database, Transaction } from '../store/database.ts'
import type { Once } from '../store/idempotency.ts'
import type { JobRow } from '../store/jobs.ts'
import { actOnce } from './act-once.ts'
import { namedAnswers } from './answers.ts'
import { decide, type Verdict } from './approve.ts'
import { lockNamedJob } from './named-job.ts'
import type { Submitter } from './submission.ts'
import { reopen, tellClaude } from './tell.ts'
import type { WaitContext } from './wait.ts'

export interface Reply {
  text?: string | undefined
  answers?: Answers | undefined
}

/** A job that has not begun can't be talked to: `job_state_conflict`. */
export const replyToJob = (
  context: WaitContext & { database: Database },
  by: Submitter,
  reference: string,
  reply: Reply,
  once: Once | null = null,
): Promise<JobRow> =>
  actOnce(context.database, by, reference, once, async tx => {
    const job = await lockNamedJob(tx, by.organizationId, reference)
    refuseTooEarly(job)
    const pending = job.state === 'waiting' ? await listPendingApprovals(tx, job.id) : []
    const asked = reply.answers ? pending.find(({ kind }) => kind === 'question') : pending[0]
    if (reply.answers && !asked) {
      throw new FlowForgeError('request_not_found', 'The job has no open question. Send text alone.')
    }
    if (asked) return decide(tx, context, job, asked, verdictOf(asked, reply), by)
    return say(tx, context, job, reply.text ?? '', by)
  })

function refuseTooEarly(job: JobRow): void {
  const isUntouched = job.state === 'pending' || (job.state === 'queued' && job.attempt === 0)
  if (!isUntouched) return
  throw new FlowForgeError(
    'job_state_conflict',
    `A job that is ${job.state} has not begun: there is nobody to reply to. Cancel it and submit it with the task as you want it.`,
    { details: { state: job.state, act: 'reply' } },
  )
}

/** As in Claude Code: words instead of a yes are what should be done differently. */
function verdictOf(asked: ApprovalRow, { text, answers }: Reply): Verdict {
  const note = text?.trim() ? text : undefined
  if (asked.kind === 'plan' || asked.kind === 'tool') return { decision: 'deny', note }
  if (asked.kind === 'question' && answers)
    return { decision: 'allow', note, answers: namedAnswers(asked.input, answers) }
  return { decision: 'allow', note }
}

async function say(
  tx: Transaction,
  context: WaitContext,
  job: JobRow,
  text: string,
  by: Submitter,
): Promise<JobRow> {
  await context.events.append(tx, job, [
    { type: 'reply.received', data: { text, by: by.userId ?? undefined } },
  ])
  const told = await tellClaude(tx, context, job, { text, by: by.userId })
  return isTerminal(told.state) ? reopen(tx, context, told, by.userId ?? undefined) : told
}
