// Brings what a person says to Claude: stored first, then handed to the container that is there, else kept for the
// next attempt. Each message has a number; a saved conversation says up to which it knows them, so none is told twice.
import type { Answers, Decision } from '@flowforge/protocol'
import { addCommand, findLiveAttempt } from '../store/attempts.ts'
import { closeApprovals, insertMessage } from '../store/conversations.ts'
import type { Transaction } from '../store/database.ts'
import { type JobRow, lockJob, updateJob } from '../store/jobs.ts'
import { after } from './states.ts'
import { goOn, type WaitContext } from './wait.ts'

export interface Told {
  text: string | null
  by: string | null
  /** The request that it decides; stored as decided already. */
  request?: { id: string; decision: Decision; note: string | null; answers: Answers | null }
}

/** The caller holds the job's lock and has written to the story what the person did. */
export async function tellClaude(
  tx: Transaction,
  context: WaitContext,
  job: JobRow,
  told: Told,
): Promise<JobRow> {
  const { text, by, request } = told
  const message = await insertMessage(tx, job, { text, requestId: request?.id ?? null, by })
  const live = await findLiveAttempt(tx, job.id)
  if (live && !live.reports.agent) {
    await addCommand(tx, live, commandOf(told, message))
    await context.signal.send(tx, live.id)
  }
  return goOn(tx, context, (await lockJob(tx, job.id))!, live)
}

const commandOf = ({ text, request }: Told, message: number) =>
  request
    ? {
        type: 'approve' as const,
        message,
        requestId: request.id,
        decision: request.decision,
        ...(request.note === null ? {} : { note: request.note }),
        ...(request.answers === null ? {} : { answers: request.answers }),
      }
    : { type: 'reply' as const, message, text: text ?? '' }

/** A finished job begins another turn of its conversation, with its attempts to spend anew. */
export async function reopen(
  tx: Transaction,
  context: Pick<WaitContext, 'events' | 'doorbell'>,
  job: JobRow,
  by: string | undefined,
): Promise<JobRow> {
  await closeApprovals(tx, job.id)
  const turn = job.turn + 1
  const queued = await updateJob(tx, job.id, {
    state: after(job.state, 'reopen'),
    turn,
    attempts_before: job.attempt,
    cancelled_by: null,
    reason: null,
  })
  await context.events.append(tx, queued, [
    { type: 'job.reopened', data: { turn, by } },
    { type: 'job.queued', data: {} },
  ])
  await context.doorbell.ring(tx, [queued.id])
  return queued
}
