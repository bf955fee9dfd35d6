// One attempt in the hands of this process, and why it may have to let go of it.
import type { ContainerHandle } from '../executors/port.ts'
import type { Holder, Phase } from '../store/attempts.ts'
import type { Claim } from './claim.ts'

/** Why a running attempt is told to stop. */
export type StopCause = 'cancelled' | 'lease_lost' | 'deadline' | 'shutdown' | 'handover' | 'unparked'

/** Another worker has the attempt, or will have it: its container is not ours to stop. */
export const letsGo = (signal: AbortSignal): boolean =>
  signal.reason === 'lease_lost' || signal.reason === 'handover'

export interface Hold extends Claim {
  holder: Holder
  /** Aborted with a StopCause as its reason. */
  signal: AbortSignal
  /** Aborted when its end can't wait any longer, whatever `signal` was aborted with before: nothing may be saved then. */
  urgent: AbortSignal
  /** Of an adopted attempt: what the executor shows of it, running or ended. */
  containers: Partial<Record<Phase, ContainerHandle>>
}
