// Watchers outlive a database that is away for a while: they wait and read again.
import { setTimeout as pause } from 'node:timers/promises'
import { isFlowForgeError } from '../errors.ts'

const AGAIN_MS = 500

/** Throws what `read` throws, but for `database_unavailable`, and the signal's reason when it is aborted meanwhile. */
export async function patiently<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read()
    } catch (error) {
      if (!isFlowForgeError(error, 'database_unavailable')) throw error
      await pause(AGAIN_MS, undefined, { signal })
    }
  }
}
