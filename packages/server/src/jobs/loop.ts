// Runs one piece of work again and again: regularly, and at once when it is woken.
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'

export interface Loop {
  wake(): void
  /** Settles after `signal` was aborted and the run that was under way has ended. */
  done: Promise<void>
}

/** One run at a time; between two of them `intervalMs`, or less after a `wake`. A failed run is logged and tried again. */
export function startLoop(
  work: () => Promise<void>,
  intervalMs: number,
  signal: AbortSignal,
  log: Logger,
  name: string,
): Loop {
  let ring = Promise.withResolvers<void>()
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      ring = Promise.withResolvers<void>()
      await work().catch(error => log.error({ err: error }, `${name} failed; it is tried again`))
      if (signal.aborted) return
      const pause = new AbortController()
      const stopPause = () => pause.abort()
      signal.addEventListener('abort', stopPause)
      await Promise.race([
        ring.promise,
        delay(intervalMs, undefined, { signal: pause.signal }).catch(() => {}),
      ])
      signal.removeEventListener('abort', stopPause)
      pause.abort()
    }
  }
  return { wake: () => ring.resolve(), done: run() }
}
