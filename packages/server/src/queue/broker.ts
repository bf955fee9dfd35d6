// A broker as the outbox needs it: takes rings, and hands each to one claimer. It knows ids of jobs and nothing else of them.
import type { Answering, RingAnswerer } from '../jobs/ports.ts'

/**
 * Hints in somebody else's hands. A ring may come twice, late, or never: what the broker loses (it was flushed, its queue
 * was deleted by hand, it lives on a disk that is gone) is rung anew by the sweep, and found by the claimers' polls meanwhile.
 *
 * It connects again by itself, for ever, and notices within some ten seconds that the other side has fallen silent.
 */
export interface Broker {
  /** For people: what it is, and where. No password. */
  readonly name: string
  /** Why it takes nothing at the moment, as far as is known without asking; null: nothing speaks against it. */
  trouble(): string | null
  /**
   * Resolves when the broker has confirmed every ring. Rejects soon when it is away, and at the latest after
   * `PUBLISH_TIMEOUT_MS`; some may have been taken then.
   */
  publish(jobIds: string[]): Promise<void>
  /**
   * Each ring goes to one claimer, is confirmed when that has tried to claim, and is heard by another when it dies before
   * that or has no room.
   */
  answer(claimer: RingAnswerer): Answering
  /** Rings that no claimer has yet. Rejects when the broker is away. */
  waiting(): Promise<number>
  /** Asks it something. Never throws. */
  check(): Promise<BrokerCheck>
  /** What was taken is given back; no connection stays. */
  close(): Promise<void>
}

export interface BrokerCheck {
  ok: boolean
  summary: string
  problem?: string
}

export const PUBLISH_TIMEOUT_MS = 4_000
export const CLOSE_TIMEOUT_MS = 3_000
/** The pause after a claim that failed, or its ring would come back at once, again and again. */
export const REPEAT_MS = 1_000

/** More than this is more than anybody waits for; the oldest are dropped, since each says only "look". */
export const MAX_WAITING_RINGS = 100_000
