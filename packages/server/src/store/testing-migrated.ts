// A database for one test file that has this version's tables, opened as the application's role.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createDatabase, type Database } from './database.ts'
import { migrate } from './migrate.ts'
import { createTestDatabase, type TestDatabase } from './testing.ts'

const MIGRATIONS = new URL('../../migrations/', import.meta.url)

export interface MigratedDatabase extends TestDatabase {
  database: Database
}

export async function createMigratedDatabase(): Promise<MigratedDatabase> {
  const test = await createTestDatabase({
    version: fingerprint(),
    prepare: async owner => void (await migrate(owner)),
  })
  const database = createDatabase(test.appConfig)
  return {
    ...test,
    database,
    close: async () => {
      await database.close()
      await test.close()
    },
  }
}

function fingerprint(): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(fileURLToPath(MIGRATIONS)).sort())
    hash.update(readFileSync(new URL(name, MIGRATIONS)))
  return hash.digest('hex')
}
