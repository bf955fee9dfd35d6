// One attempt in the hands of this process, and why it may have to let go of it.
import type { Holder } from '../store/attempts.ts'
import type { Claim } from './claim.ts'

/** Why a running attempt is told to stop. */
export type StopCause = 'cancelled' | 'lease_lost' | 'deadline' | 'shutdown'

export interface Hold extends Claim {
  holder: Holder
  /** Aborted with a StopCause as its reason. */
  signal: AbortSignal
}
