// What each queue is asked to do in the comparison: FlowForge's engine, and the peers that run jobs which do nothing.

export interface Contender {
  name: string
  /** What is on disk when a submission has been answered, and how many jobs it runs at once. */
  about: string
  /** In its own best way; resolves when all are stored. */
  submitMany(count: number): Promise<void>
  /** Resolves when so many jobs have come to their end, and the end is stored, since the last `forget`. */
  untilDone(count: number): Promise<void>
  /** Submits one job and gives the milliseconds until its work begins. */
  submitOne(): Promise<number>
  /** Starts to count from nothing. */
  forget(): void
  close(): Promise<void>
}

/** Counts ends, and wakes who waits for the last one. */
export function createTally() {
  let ended = 0
  let target = Number.POSITIVE_INFINITY
  let reached = () => {}
  return {
    add: (count = 1) => {
      ended += count
      if (ended >= target) reached()
    },
    until: async (count: number): Promise<void> => {
      if (ended >= count) return
      const { promise, resolve } = Promise.withResolvers<void>()
      target = count
      reached = resolve
      await promise
    },
    forget: () => {
      ended = 0
      target = Number.POSITIVE_INFINITY
    },
  }
}

/** Times one job at a time, from its submission to the begin of its work; the job carries `key`. */
export function createStartClock() {
  const begins = new Map<string, (at: number) => void>()
  let number = 0
  return {
    /** Jobs without a clock have a key that nobody knows. */
    begun: (key: string): void => {
      begins.get(key)?.(performance.now())
      begins.delete(key)
    },
    time: async (submit: (key: string) => unknown): Promise<number> => {
      const key = `timed ${number++}`
      const { promise, resolve } = Promise.withResolvers<number>()
      begins.set(key, resolve)
      const submittedAt = performance.now()
      void submit(key)
      return (await promise) - submittedAt
    },
  }
}
