// A process's way to the database in which it dies at a chosen point: before or after any statement or commit. What was
// committed stays, an open transaction is rolled back as Postgres does when a connection ends, and nothing is done later.
import type { Database, Transaction } from '../store/database.ts'

export class Died extends Error {
  constructor(where: string) {
    super(`died ${where}`)
    this.name = 'Died'
  }
}

export interface Mortal {
  database: Database
  /** Points passed so far at which it could have died. */
  points(): number
  /** Where it died, if it did. */
  epitaph(): string | null
}

/** `diesAt` is the number of the point, from 1; 0: never. */
export function createMortal(database: Database, diesAt: number): Mortal {
  let passed = 0
  let epitaph: string | null = null
  const point = (where: string): void => {
    if (epitaph !== null) throw new Died(epitaph)
    passed += 1
    if (passed !== diesAt) return
    epitaph = where
    throw new Died(where)
  }
  const around = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    point(`before ${name}`)
    const result = await act()
    point(`after ${name}`)
    return result
  }
  const mortal = (tx: Transaction): Transaction => ({
    all: query => around(shortened(query.text), () => tx.all(query)),
    first: query => around(shortened(query.text), () => tx.first(query)),
    run: query => around(shortened(query.text), () => tx.run(query)),
    // Hints of the dead reach nobody; those of the living are not what is tested here.
    afterCommit: () => {},
  })
  const transact =
    <T>(work: (tx: Transaction) => Promise<T>) =>
    async (tx: Transaction): Promise<T> => {
      const result = await work(mortal(tx))
      point('before commit')
      return result
    }
  return {
    database: {
      ...database,
      inOrganization: async (organizationId, work) => {
        point('before begin')
        const result = await database.inOrganization(organizationId, transact(work))
        point('after commit')
        return result
      },
      acrossOrganizations: async work => {
        point('before begin')
        const result = await database.acrossOrganizations(transact(work))
        point('after commit')
        return result
      },
    },
    points: () => passed,
    epitaph: () => epitaph,
  }
}

const shortened = (sql: string): string => sql.replaceAll(/\s+/g, ' ').trim().slice(0, 60)
