// Moments and durations that stay right while the page is open. One clock for all of them.
import { useSyncExternalStore } from 'react'
import { formatAge, formatElapsed } from '../text/quantities.ts'

function createClock(everyMs: number) {
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setInterval> | undefined
  let now = Date.now()
  const tick = () => {
    now = Date.now()
    for (const listener of listeners) listener()
  }
  return {
    now: () => now,
    subscribe(listener: () => void) {
      if (listeners.size === 0) {
        now = Date.now()
        timer = setInterval(tick, everyMs)
      }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) clearInterval(timer)
      }
    },
  }
}

const seconds = createClock(1_000)
const halfMinutes = createClock(30_000)

export const useSecondClock = (): number => useSyncExternalStore(seconds.subscribe, seconds.now)

/** How long ago, with the exact moment as tooltip. */
export function Age({ at, suffix = '', className }: { at: string; suffix?: string; className?: string }) {
  const now = useSyncExternalStore(halfMinutes.subscribe, halfMinutes.now)
  const age = formatAge(at, now)
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()} className={className}>
      {age === 'now' ? age : age + suffix}
    </time>
  )
}

/** Counts up since a moment. Hidden from screen readers' live regions: a number per second is noise. */
export function Ticking({ since }: { since: string }) {
  const now = useSecondClock()
  return <span className="tabular">{formatElapsed(now - Date.parse(since))}</span>
}
