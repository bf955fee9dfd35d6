// Lets many callers share one run of the same work, as long as the run is recent enough for each of them.

export interface Passenger {
  /** A run that began earlier does not serve this caller: it may miss what has changed since. */
  notBefore: number
  signal?: AbortSignal | undefined
  onProgress?: ((line: string) => void) | undefined
}

interface Flight {
  startedAt: number
  done: Promise<void>
  watchers: Set<(line: string) => void>
  passengers: number
  abort: AbortController
}

export type FlightWork = (signal: AbortSignal, onProgress: (line: string) => void) => Promise<void>

export function createFlights(now: () => number = Date.now) {
  const flights = new Map<string, Flight>()

  /** Joins the run under way for `key`, or the one after it. The run is aborted when its last caller has left. */
  async function share(key: string, passenger: Passenger, work: FlightWork): Promise<void> {
    for (;;) {
      passenger.signal?.throwIfAborted()
      const flight = flights.get(key)
      if (flight === undefined) return ride(key, start(key, work), passenger)
      if (flight.startedAt >= passenger.notBefore) return ride(key, flight, passenger)
      await untilAborted(
        flight.done.catch(() => {}),
        passenger.signal,
      )
    }
  }

  function start(key: string, work: FlightWork): Flight {
    const abort = new AbortController()
    const watchers: Flight['watchers'] = new Set()
    const done = work(abort.signal, line => {
      for (const watcher of watchers) watcher(line)
    })
    const flight = { startedAt: now(), done, watchers, passengers: 0, abort }
    flights.set(key, flight)
    const land = () => forget(key, flight)
    done.then(land, land)
    return flight
  }

  async function ride(key: string, flight: Flight, { signal, onProgress }: Passenger): Promise<void> {
    flight.passengers++
    if (onProgress) flight.watchers.add(onProgress)
    try {
      await untilAborted(flight.done, signal)
    } finally {
      if (onProgress) flight.watchers.delete(onProgress)
      flight.passengers--
      if (flight.passengers === 0) end(key, flight, signal?.reason)
    }
  }

  /** Forgotten at once, so that nobody boards what is being ended. */
  function end(key: string, flight: Flight, reason: unknown): void {
    forget(key, flight)
    flight.abort.abort(reason)
  }

  function forget(key: string, flight: Flight): void {
    if (flights.get(key) === flight) flights.delete(key)
  }

  function abort(key: string, reason: unknown): void {
    const flight = flights.get(key)
    if (flight !== undefined) end(key, flight, reason)
  }

  return { share, abort }
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
