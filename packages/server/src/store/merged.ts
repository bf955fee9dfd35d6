// Statements that several writers of one transaction want in the same moment, asked as one for all of them. Knows
// nothing of what they say.
import type { Transaction } from './database.ts'

interface Waiting<Item, Result> {
  item: Item
  resolve(result: Result): void
  reject(error: unknown): void
}

/**
 * `askAll` answers for many items in one statement, in their order. What it makes answers for one: those that are asked
 * in the same turn of the event loop, in the same transaction, go together. Two of one key do not: an `update` changes
 * each row once.
 */
export function merged<Item, Result>(
  keyOf: (item: Item) => string,
  askAll: (tx: Transaction, items: Item[]) => Promise<Result[]>,
): (tx: Transaction, item: Item) => Promise<Result> {
  const waiting = new WeakMap<Transaction, Map<string, Waiting<Item, Result>>>()

  const answer = async (tx: Transaction, asked: Waiting<Item, Result>[]): Promise<void> => {
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

  return (tx, item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const group = waiting.get(tx)
    const key = keyOf(item)
    if (group && !group.has(key)) group.set(key, { item, resolve, reject })
    else {
      const opened = new Map([[key, { item, resolve, reject }]])
      waiting.set(tx, opened)
      setImmediate(() => {
        if (waiting.get(tx) === opened) waiting.delete(tx)
        void answer(tx, [...opened.values()])
      })
    }
    return promise
  }
}
