// Writes what a runner reports: one transaction each, job first, then attempt, fenced by the holder's epoch.
import type {
  DeltaBatch,
  EventBatch,
  NewEvent,
  RunnerCommand,
  SettleReport,
  Stage,
} from '@flowforge/protocol'
import { EVENT_DATA } from '@flowforge/protocol'
import type { GatewayAttempt } from '../gateway/attempt.ts'
import { type AttemptRow, bindNonce, listCommands, saveReport } from '../store/attempts.ts'
import { markMessagesTold } from '../store/conversations.ts'
import type { Database, Transaction } from '../store/database.ts'
import { advanceSource, lockSource } from '../store/events.ts'
import { type JobRow, updateJob } from '../store/jobs.ts'
import { asHolder } from './as-holder.ts'
import type { AttemptSignal, EventLog, SessionStorage } from './ports.ts'
import { createSessionRecords } from './session-records.ts'
import { recordRequests, stopWaiting } from './wait.ts'

export interface RecordsContext {
  database: Database
  events: EventLog
  signal: AttemptSignal
  storage: SessionStorage
  sendDelta(delta: {
    jobId: string
    organizationId: string
    attempt: number
    text: string
    parentToolUseId?: string
  }): void
}

export function createRunnerRecords(context: RecordsContext, epoch: number) {
  const held = <T>(
    attempt: GatewayAttempt,
    work: (tx: Transaction, job: JobRow, row: AttemptRow) => Promise<T>,
  ): Promise<T> => asHolder(context.database, attempt.jobId, { attemptId: attempt.attemptId, epoch }, work)

  return {
    ...createSessionRecords(context, epoch),

    bindNonce: (attempt: GatewayAttempt, nonce: string): Promise<string> =>
      held(
        attempt,
        async tx => (await bindNonce(tx, { attemptId: attempt.attemptId, epoch }, attempt.phase, nonce))!,
      ),

    appendEvents: (attempt: GatewayAttempt, batch: EventBatch) =>
      held(attempt, async (tx, job) => {
        const source = `${attempt.phase}/${batch.source}`
        const stored = await lockSource(tx, attempt.attemptId, attempt.organizationId, source)
        if (batch.firstSourceSeq > stored + 1) return { gap: stored + 1 }
        const fresh = batch.events.slice(stored + 1 - batch.firstSourceSeq)
        if (fresh.length === 0) return { acceptedThrough: stored }
        const events = fresh.map(event => checked(event, attempt.phase))
        const acceptedThrough = stored + fresh.length
        await context.events.append(tx, job, events)
        await advanceSource(tx, attempt.attemptId, source, acceptedThrough)
        await showStage(tx, job, events)
        if (attempt.phase === 'agent')
          await recordRequests(tx, context, job, { id: attempt.attemptId, number: attempt.number }, events)
        return { acceptedThrough }
      }),

    sendDeltas: (attempt: GatewayAttempt, { deltas }: DeltaBatch): void => {
      for (const delta of deltas) {
        context.sendDelta({
          jobId: attempt.jobId,
          organizationId: attempt.organizationId,
          attempt: attempt.number,
          ...delta,
        })
      }
    },

    commandsAfter: async (
      attempt: GatewayAttempt,
      after: number,
      waitMs: number,
    ): Promise<RunnerCommand[]> => {
      const read = () =>
        context.database.acrossOrganizations(tx => listCommands(tx, attempt.attemptId, after))
      const told = Promise.withResolvers<void>()
      const stop = context.signal.receive(attemptId => attemptId === attempt.attemptId && told.resolve())
      const timer = setTimeout(told.resolve, waitMs)
      const ended = () => told.resolve()
      attempt.signal.addEventListener('abort', ended)
      if (attempt.signal.aborted) ended()
      try {
        const waiting = await read()
        if (waiting.length > 0) return waiting
        await told.promise
        return attempt.signal.aborted ? [] : await read()
      } finally {
        clearTimeout(timer)
        attempt.signal.removeEventListener('abort', ended)
        stop()
      }
    },

    saveReport: (attempt: GatewayAttempt, report: SettleReport): Promise<void> =>
      held(attempt, async (tx, job, row) => {
        if (report.outcome !== 'parked') await stopWaiting(tx, context, job, row)
        await saveReport(tx, { attemptId: attempt.attemptId, epoch }, attempt.phase, report)
        // A runner that does not say (of the version before) was given all there was.
        if (attempt.phase === 'agent' && job.messages > job.messages_told)
          await markMessagesTold(tx, job.id, report.throughMessage ?? job.messages)
      }),
  }
}

/** A report of the wrong form is kept as a log line: refusing it would hold up everything behind it. */
function checked(event: EventBatch['events'][number], phase: GatewayAttempt['phase']): NewEvent {
  const { success, data } = EVENT_DATA[event.type].safeParse(event.data)
  if (!success || nestsDeeper(data, MAX_NESTING)) {
    const text = `The runner sent an event ${event.type} that can not be read.`
    return { type: 'log', data: { stream: 'system', text } }
  }
  // Where it ran is known here; an agent that says "clean" of its own container would forge the proof.
  if ('clean' in data) return { type: event.type, data: { ...data, clean: phase === 'verify' } } as NewEvent
  return { type: event.type, data } as NewEvent
}

/** What is nested deeper than any tool's input overflows the stack of whoever walks it, Postgres included. */
const MAX_NESTING = 100
const nestsDeeper = (value: unknown, levels: number): boolean =>
  value !== null &&
  typeof value === 'object' &&
  (levels === 0 || Object.values(value).some(part => nestsDeeper(part, levels - 1)))

async function showStage(tx: Transaction, job: JobRow, events: NewEvent[]): Promise<void> {
  let stage: Stage | undefined
  for (const event of events) if (event.type === 'job.stage') stage = event.data.stage
  if (stage) await updateJob(tx, job.id, { stage })
}
