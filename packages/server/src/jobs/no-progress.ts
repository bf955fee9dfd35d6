// Notices a container that lives and does nothing: each stage has a limit on how long nothing may be heard of it.
import { setTimeout as delay } from 'node:timers/promises'
import type { JobState, Reason, Stage } from '@flowforge/protocol'
import { reasonOf } from './failures.ts'

export interface SilenceLimits {
  /** Without a byte of a transfer, or a word of the runner. */
  transferMs: number
  /** How long one command may run: it may be silent all the while. */
  commandMs: number
}

/**
 * | stage                                        | nothing may be heard for           |
 * |----------------------------------------------|------------------------------------|
 * | starting, cloning, pushing                   | the limit of a transfer            |
 * | set-up, Claude working, verify               | that, after the longest command    |
 *
 * Claude's own tools may run as long as a command; while Claude thinks, its API sends a sign every few seconds.
 */
export function silenceLimitMs(stage: Stage | null, { transferMs, commandMs }: SilenceLimits): number {
  switch (stage) {
    case 'setting_up':
    case 'working':
    case 'waiting_for_claude':
    case 'verifying':
    case 'verifying_clean':
      return commandMs + transferMs
    default:
      return transferMs
  }
}

export interface Stalled {
  stage: Stage | null
  limitMs: number
}

export interface Watched {
  /** Changes with each sign of life. */
  activity(): number
  now(): Promise<{ state: JobState; stage: Stage | null }>
  limits: SilenceLimits
  /** Monotonic milliseconds. */
  clock?: () => number
}

/** Looks this often within the shortest limit. */
const LOOKS = 10
const LOOK_AT_MOST_EVERY_MS = 10_000

/** Resolves when a stage was silent for longer than it may; rejects with the signal's reason. Waiting for a person is no silence. */
export async function untilStalled(
  { activity, now, limits, clock = () => performance.now() }: Watched,
  signal: AbortSignal,
): Promise<Stalled> {
  let [seen, since] = [activity(), clock()]
  for (;;) {
    await delay(Math.min(limits.transferMs / LOOKS, LOOK_AT_MOST_EVERY_MS), undefined, { signal })
    if (activity() !== seen) [seen, since] = [activity(), clock()]
    else if (clock() - since >= limits.transferMs) {
      const { state, stage } = await now()
      const limitMs = silenceLimitMs(stage, limits)
      if (state !== 'running') since = clock()
      else if (clock() - since >= limitMs) return { stage, limitMs }
    }
  }
}

export const reasonOfStall = ({ stage, limitMs }: Stalled): Reason =>
  reasonOf(
    'no_progress',
    `Nothing was heard of the container for ${Math.round(limitMs / 1000)} seconds${stage ? `, during the stage ${stage}` : ''}.`,
  )
