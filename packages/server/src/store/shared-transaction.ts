// Small works of many share a transaction: what is wanted in the same moment is committed together, and what comes
// meanwhile is the next. A commit waits for the disk, and that wait costs as much for one as for a hundred.
import { isFlowForgeError } from '../errors.ts'
import type { Database, Transaction } from './database.ts'

interface Work {
  /** Of two of one key the second waits, here rather than for a lock of the first: it would keep others waiting. */
  key: string
  run(tx: Transaction): Promise<unknown>
  resolve(result: unknown): void
  reject(error: unknown): void
}

/** While one waits for the disk, another runs. */
const LANES = 2
const MOST_AT_ONCE = 100

const sharings = new WeakMap<Database, (work: Work) => void>()

/**
 * Runs `work` in a transaction across organizations that it may share with others. It may be run a second time, alone,
 * when one of those that it shared with fails: it must do nothing but ask the database through `tx`.
 */
export function inSharedTransaction<T>(
  database: Database,
  key: string,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const share = sharings.get(database) ?? createSharing(database)
  sharings.set(database, share)
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  share({ key, run: work, resolve: resolve as Work['resolve'], reject })
  return promise
}

function createSharing(database: Database): (work: Work) => void {
  let waiting: Work[] = []
  let running = 0
  const inHand = new Set<string>()
  let scheduled = false

  const next = (): void => {
    scheduled = false
    if (running >= LANES || waiting.length === 0) return
    const group: Work[] = []
    waiting = waiting.filter(work => {
      if (group.length >= MOST_AT_ONCE || inHand.has(work.key)) return true
      inHand.add(work.key)
      group.push(work)
      return false
    })
    // All that waits comes after what is in hand, and is looked at again when that has ended.
    if (group.length === 0) return
    running += 1
    void runTogether(database, group).finally(() => {
      running -= 1
      for (const { key } of group) inHand.delete(key)
      schedule()
    })
    schedule()
  }
  const schedule = (): void => {
    if (scheduled || running >= LANES || waiting.length === 0) return
    scheduled = true
    setImmediate(next)
  }
  return work => {
    waiting.push(work)
    schedule()
  }
}

/** Never rejects: whoever brought a work hears how it went. */
async function runTogether(database: Database, works: Work[]): Promise<void> {
  if (works.length === 1) return runAlone(database, works[0]!)
  try {
    const results = await database.acrossOrganizations(async tx => {
      // All of them have ended before the transaction does, also when one fails.
      const ended = await Promise.allSettled(works.map(work => work.run(tx)))
      return ended.map(one => {
        if (one.status === 'rejected') throw one.reason
        return one.value
      })
    })
    works.forEach((work, index) => void work.resolve(results[index]))
  } catch (error) {
    // Alone, each learns for itself what is wrong. A database that is away is so for all.
    if (isFlowForgeError(error, 'database_unavailable')) for (const work of works) work.reject(error)
    else for (const work of works) await runAlone(database, work)
  }
}

const runAlone = (database: Database, work: Work): Promise<void> =>
  database.acrossOrganizations(work.run).then(work.resolve, work.reject)
