// Delivers the runner's events to the gateway: in order, each exactly once in the store, however often the gateway goes
// away. Text deltas go beside them, live only, and are dropped when they can't be sent at once.
import { setTimeout as sleep } from 'node:timers/promises'
import { type EventData, MAX_BATCH_BYTES, MAX_BATCH_EVENTS, type RunnerEventType } from '@flowforge/protocol'
import type { EventJournal } from './event-journal.ts'
import { eventBatchText, type Gateway, GatewayRefusal, isLeaseLost, isTransient } from './gateway.ts'
import { cleanValue } from './text.ts'
import { createTextDeltas } from './text-deltas.ts'

export interface EventSender {
  emit<T extends RunnerEventType>(type: T, data: EventData<T>): void
  delta(text: string, parentToolUseId: string | undefined): void
  /** Resolves when there is room; producers that can wait (a command's output) await it before they go on. */
  ready(): Promise<void> | undefined
  /** Resolves when everything emitted so far is stored, or the time is up (false). */
  flush(timeoutMs: number): Promise<boolean>
  stop(): Promise<void>
}

export interface EventSenderOptions {
  gateway: Pick<Gateway, 'events' | 'deltas'>
  journal: EventJournal
  source: string
  /** Called when the gateway's numbers can't be met: events go on under this new name, from 1. */
  renew(): { source: string; journal: EventJournal }
  onLeaseLost(message: string): void
  /** Aborts when everything ends: producers that wait for room go on, to end themselves. */
  signal: AbortSignal
  now?: () => Date
  /** Unstored events beyond this make producers wait. */
  maxPendingBytes?: number
}

const SPACING_MS = 20
/** Longest string inside an event; the sum is bounded by MAX_EVENT_CHARS. */
const MAX_STRING_CHARS = 64 * 1024
const MAX_EVENT_CHARS = 512 * 1024
/** Room for the envelope of a batch. */
const BATCH_BYTES = MAX_BATCH_BYTES - 4096
const RETRY_MS = { first: 50, max: 2000 }

/** One event as the JSON that is stored and sent. */
export const eventLine = (type: RunnerEventType, at: Date, data: unknown): string => {
  for (let maxChars = MAX_STRING_CHARS; ; maxChars = Math.floor(maxChars / 8)) {
    const line = JSON.stringify({ type, at: at.toISOString(), data: cleanValue(data, maxChars) })
    // A thousand long strings are cut shorter, until they fit together.
    if (line.length <= MAX_EVENT_CHARS || maxChars < 16) return line
  }
}

interface Waiter {
  seq: number
  done(): void
}

export const createEventSender = (options: EventSenderOptions): EventSender => {
  const { gateway, now = () => new Date(), maxPendingBytes = 128 * 1024 * 1024 } = options
  let { journal, source } = options
  const stopped = new AbortController()
  let stored = journal.oldestSeq - 1
  /** Lines that a full disk did not take. */
  let overflow: string[] = []
  let overflowChars = 0
  let waiters: Waiter[] = []
  const roomWaiters: (() => void)[] = []
  let wake: (() => void) | undefined
  let hurry: (() => void) | undefined
  let closed = false

  const lastSeq = () => journal.nextSeq - 1 + overflow.length
  const releaseRoom = () => {
    for (const done of roomWaiters.splice(0)) done()
  }
  options.signal.addEventListener('abort', releaseRoom)

  const isFull = () => overflowChars > 1024 * 1024 || journal.bytes > maxPendingBytes

  const append = (line: string) => {
    try {
      if (overflow.length > 0) throw new Error('the order must be kept')
      journal.append(line)
    } catch {
      overflow.push(line)
      overflowChars += line.length
    }
  }

  const settleWaiters = () => {
    const due = waiters.filter(waiter => waiter.seq <= stored)
    waiters = waiters.filter(waiter => waiter.seq > stored)
    for (const waiter of due) waiter.done()
    if (!isFull()) releaseRoom()
  }

  const nextBatch = (): { firstSeq: number; lines: string[] } => {
    const firstSeq = stored + 1
    if (firstSeq < journal.nextSeq)
      return { firstSeq, lines: journal.read(firstSeq, MAX_BATCH_EVENTS, BATCH_BYTES) }
    return { firstSeq, lines: overflow.slice(0, 4) }
  }

  const accept = (through: number) => {
    stored = Math.max(stored, Math.min(through, lastSeq()))
    const fromOverflow = stored - (journal.nextSeq - 1)
    if (fromOverflow > 0) {
      for (const line of overflow.splice(0, fromOverflow)) overflowChars -= line.length
      journal.skipThrough(stored)
    }
    journal.forgetThrough(stored)
    settleWaiters()
  }

  const startOver = () => {
    const rest = nextBatchLines(journal, stored + 1).concat(overflow)
    ;({ source, journal } = options.renew())
    stored = 0
    overflow = []
    overflowChars = 0
    waiters = waiters.map(waiter => ({ ...waiter, seq: rest.length }))
    for (const line of rest) append(line)
  }

  const onGap = (expected: number) => {
    if (expected - 1 > stored && expected <= lastSeq() + 1) accept(expected - 1)
    else if (expected >= journal.oldestSeq && expected <= stored) stored = expected - 1
    else startOver()
  }

  /** True when the next batch may follow at once. */
  const sendOnce = async (): Promise<boolean> => {
    const { firstSeq, lines } = nextBatch()
    if (lines.length === 0) return true
    try {
      const text = eventBatchText({ source, firstSourceSeq: firstSeq, lines })
      accept((await gateway.events(text, stopped.signal)).acceptedThrough)
      return true
    } catch (error) {
      if (stopped.signal.aborted) return false
      if (isLeaseLost(error)) {
        stopped.abort()
        options.onLeaseLost(error.message)
        return false
      }
      if (
        error instanceof GatewayRefusal &&
        error.code === 'source_seq_gap' &&
        error.expected !== undefined
      ) {
        onGap(error.expected)
        return true
      }
      // Events that the gateway can't read would stop everything behind them.
      if (!isTransient(error)) accept(firstSeq + lines.length - 1)
      return false
    }
  }

  /** Ends early when someone waits for a flush. */
  const rest = (restMs: number) =>
    new Promise<void>(resolve => {
      const timer = setTimeout(resolve, restMs)
      hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  const pump = async () => {
    let retryMs = RETRY_MS.first
    while (!stopped.signal.aborted) {
      if (stored >= lastSeq()) await new Promise<void>(resolve => (wake = resolve))
      if (stopped.signal.aborted) break
      const startedAt = performance.now()
      const ok = await sendOnce()
      const restMs = ok ? SPACING_MS - (performance.now() - startedAt) : retryMs
      retryMs = ok ? RETRY_MS.first : Math.min(retryMs * 2, RETRY_MS.max)
      if (restMs > 0 && !stopped.signal.aborted && !(ok && waiters.length > 0)) await rest(restMs)
    }
  }
  const pumping = pump()

  const deltas = createTextDeltas(gateway, stopped.signal)

  return {
    emit: (type, data) => {
      if (stopped.signal.aborted) return
      append(eventLine(type, now(), data))
      if (type === 'claude.message') deltas.forget((data as EventData<'claude.message'>).parentToolUseId)
      wake?.()
    },
    delta: deltas.add,
    ready: () => {
      if (stopped.signal.aborted || options.signal.aborted || !isFull()) return undefined
      return new Promise<void>(resolve => roomWaiters.push(resolve))
    },
    flush: async timeoutMs => {
      const seq = lastSeq()
      if (stored >= seq || stopped.signal.aborted) return stored >= seq
      const timedOut = Symbol()
      const done = new Promise<void>(resolve => waiters.push({ seq, done: resolve }))
      wake?.()
      hurry?.()
      const timer = new AbortController()
      const limit = sleep(timeoutMs, timedOut, { signal: AbortSignal.any([timer.signal, stopped.signal]) })
      const winner = await Promise.race([done, limit.catch(() => timedOut)])
      timer.abort()
      return winner !== timedOut
    },
    stop: async () => {
      if (closed) return
      closed = true
      stopped.abort()
      wake?.()
      hurry?.()
      releaseRoom()
      await pumping
      journal.close()
    },
  }
}

/** Everything from `seq` on; only used in the rare case that the numbers start over. */
const nextBatchLines = (journal: EventJournal, seq: number): string[] => {
  const lines: string[] = []
  while (seq + lines.length < journal.nextSeq) {
    const more = journal.read(seq + lines.length, MAX_BATCH_EVENTS, BATCH_BYTES)
    if (more.length === 0) break
    lines.push(...more)
  }
  return lines
}
