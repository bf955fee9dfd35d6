// Statements that several writers of one transaction want in the same moment, asked as one for all of them. Knows
// nothing of what they say.
import type { Transaction } from './database.ts'

interface Asked<Item, Result> {
  item: Item
  promise: Promise<Result>
  resolve(result: Result): void
  reject(error: unknown): void
}

/**
 * `askAll` answers for many items in one statement, in their order. What it makes answers for one: those that are asked
 * in the same turn of the event loop, in the same transaction, go together. Of two of one key a read answers both at
 * once; a write is made twice, because an `update` changes each row once.
 */
export function merged<Item, Result>(
  keyOf: (item: Item) => string,
  askAll: (tx: Transaction, items: Item[]) => Promise<Result[]>,
  kind: 'read' | 'write' = 'write',
): (tx: Transaction, item: Item) => Promise<Result> {
  const waiting = new WeakMap<Transaction, Map<string, Asked<Item, Result>>>()

  const answer = async (tx: Transaction, asked: Asked<Item, Result>[]): Promise<void> => {
    try {
      const results = await askAll(
        tx,
        asked.map(({ item }) => item),
      )
      asked.forEach(({ resolve }, index) => void resolve(results[index]!))
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
  }
  const open = (tx: Transaction): Map<string, Asked<Item, Result>> => {
    const opened = new Map<string, Asked<Item, Result>>()
    waiting.set(tx, opened)
    setImmediate(() => {
      if (waiting.get(tx) === opened) waiting.delete(tx)
      void answer(tx, [...opened.values()])
    })
    return opened
  }

  return (tx, item) => {
    const key = keyOf(item)
    const group = waiting.get(tx)
    const twin = group?.get(key)
    if (twin && kind === 'read') return twin.promise
    const asked = { item, ...Promise.withResolvers<Result>() }
    const joined = group && !twin ? group : open(tx)
    joined.set(key, asked)
    return asked.promise
  }
}
