// How a server goes: /readyz says so first and a balancer sends requests elsewhere, then streams end with a hint to connect
// again, then what is under way is finished. Knows no route.

export interface Closing {
  readonly hasBegun: boolean
  /** Aborts when streams are to end: their watchers go on elsewhere, from their cursor. */
  readonly streamsEnd: AbortSignal
  /** Somebody asked whether this server is ready; true: it is. */
  askedReady(): boolean
  begin(): void
  /** Resolves when a balancer, if there is one, has heard that this server goes; after `limitMs` all the same. */
  noticed(limitMs: number): Promise<void>
  endStreams(): void
}

/** Balancers ask every few seconds. Where nobody asked for so long, there is none to wait for. */
const RECENTLY_MS = 30_000
/** Most take a server out after the second failure. */
const TIMES = 2

export function createClosing(now: () => number = () => performance.now()): Closing {
  const streams = new AbortController()
  const enough = Promise.withResolvers<void>()
  let [begun, askedAtMs, refusals] = [false, Number.NEGATIVE_INFINITY, 0]
  return {
    get hasBegun() {
      return begun
    },
    streamsEnd: streams.signal,
    askedReady: () => {
      askedAtMs = now()
      if (begun) refusals += 1
      if (refusals >= TIMES) enough.resolve()
      return !begun
    },
    begin: () => {
      begun = true
    },
    noticed: async limitMs => {
      if (now() - askedAtMs > RECENTLY_MS) return
      const timer = setTimeout(enough.resolve, limitMs)
      await enough.promise
      clearTimeout(timer)
    },
    endStreams: () => streams.abort(),
  }
}
