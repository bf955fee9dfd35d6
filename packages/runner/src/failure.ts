// How an attempt ends early: expected failures that become the settle report, and stops that come from outside.
// Knows no transport and no Claude.
import { type FailureCode, RUNNER_ABANDONED_EXIT_CODE } from '@flowforge/protocol'

/** An expected failure of the attempt. `message` is shown to people as is. */
export class RunError extends Error {
  readonly code: FailureCode

  constructor(code: FailureCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'RunError'
    this.code = code
  }
}

/** Why everything has to end at once, with nothing pushed. The reason of the run's abort signal. */
export type Stop =
  /** A person cancelled. */
  | { kind: 'cancelled' }
  /** The gateway no longer takes this attempt's token: another holder has the job. */
  | { kind: 'lease_lost'; message: string }
  /** The gateway stayed away: nobody will take what is done here. */
  | { kind: 'abandoned' }
  /** SIGTERM or SIGINT. */
  | { kind: 'terminated' }

const isStop = (value: unknown): value is Stop =>
  typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string'

export const stopOf = (signal: AbortSignal): Stop | undefined =>
  signal.aborted ? (isStop(signal.reason) ? signal.reason : { kind: 'terminated' }) : undefined

/** 0 means settled; Docker's and the shell's convention for a TERM is 143. */
export const EXIT_CODES = {
  settled: 0,
  notSettled: 1,
  lease_lost: 3,
  abandoned: RUNNER_ABANDONED_EXIT_CODE,
  cancelled: 143,
  terminated: 143,
} as const

const NO_SPACE = /ENOSPC|No space left on device|Disk quota exceeded|EDQUOT/i

export const isDiskFull = (text: string): boolean => NO_SPACE.test(text)

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Anything thrown, as a failure: a full disk is told apart, the unexpected keeps its message. */
export const toRunError = (error: unknown): RunError => {
  if (error instanceof RunError) return error
  const message = messageOf(error)
  if (isDiskFull(message))
    return new RunError('disk_full', `The workspace is full: ${message}`, { cause: error })
  return new RunError('internal_error', `The runner failed: ${message}`, { cause: error })
}
