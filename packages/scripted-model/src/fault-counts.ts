// Counts how often a step has failed on purpose in a conversation: the only memory that playing a scenario needs.

const MOST_KEYS = 10_000

export interface FaultCounts {
  /** Whether a fault that should happen `times` times (always, if undefined) happens once more now. */
  happens(key: string, times: number | undefined): boolean
}

export function createFaultCounts(): FaultCounts {
  const counts = new Map<string, number>()
  return {
    happens(key, times) {
      if (times === undefined) return true
      const count = counts.get(key) ?? 0
      if (count >= times) return false
      counts.set(key, count + 1)
      // The oldest conversation is the one that is over.
      if (counts.size > MOST_KEYS) counts.delete(counts.keys().next().value ?? '')
      return true
    },
  }
}
