// Runs one piece of work again and again: regularly, and at once when it is woken.
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'

export interface Loop {
  /** Resolves when a run that began after this call has ended well. */
  wake(): Promise<void>
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
  let next = createRun()
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      ring = Promise.withResolvers<void>()
      const current = next
      next = createRun()
      await work().then(current.resolve, error => {
        log.error({ err: error }, `${name} failed; it is tried again`)
        current.reject(error)
      })
      if (signal.aborted) break
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
    next.reject(new Error(`${name} was stopped`))
  }
  const wake = (): Promise<void> => {
    ring.resolve()
    return next.promise
  }
  return { wake, done: run() }
}

/** Few care how a run ends. */
function createRun() {
  const run = Promise.withResolvers<void>()
  run.promise.catch(() => {})
  return run
}
