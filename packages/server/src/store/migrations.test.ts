// The migrations that are not released yet only add: a process of the version before goes on working with them.
import { expect, test } from 'vitest'
import { knownMigrations, levelOf, RELEASED_LEVEL } from './schema.ts'

/** What takes something away from those who do not know of it yet. */
const TAKES_AWAY: Record<string, RegExp> = {
  'drops a table': /\bdrop\s+table\b/,
  'drops a column': /\bdrop\s+column\b/,
  renames: /\brename\b/,
  'changes a type': /\balter\s+column\s+\S+\s+(set\s+data\s+)?type\b/,
  'makes a column mandatory': /\bset\s+not\s+null\b/,
  'adds a mandatory column without a default':
    /\badd\s+column\s+(?:if\s+not\s+exists\s+)?[^,;]*\bnot\s+null\b(?![^,;]*\bdefault\b)(?<!\bdefault\b[^,;]*)/,
}

/** A contract step says from which level on processes can live with it. */
const CONTRACT = /update\s+schema_compatibility\s+set\s+oldest_level\s*=\s*(\d+)/

const withoutComments = (sql: string): string => sql.replaceAll(/--.*$/gm, '').toLowerCase()

const found = (sql: string): string[] =>
  Object.entries(TAKES_AWAY)
    .filter(([, pattern]) => pattern.test(withoutComments(sql)))
    .map(([what]) => what)

const fresh = knownMigrations().filter(({ name }) => levelOf(name) > RELEASED_LEVEL)

test.each(
  fresh.map(migration => [migration.name, migration] as const),
)('%s takes nothing away, or is marked as a contract step', async (name, migration) => {
  const sql = await migration.sql()
  const contract = CONTRACT.exec(withoutComments(sql))
  if (contract === null) return expect(found(sql)).toEqual([])
  // What is contracted must have been unused by a release already: in one release nothing is both added and needed.
  expect(Number(contract[1])).toBeLessThan(levelOf(name))
})

test.each([
  ['alter table jobs drop column task;', 'drops a column'],
  ['drop table if exists jobs;', 'drops a table'],
  ['alter table jobs rename column task to words;', 'renames'],
  ['alter table jobs alter column number type bigint;', 'changes a type'],
  ['alter table jobs alter column stage set not null;', 'makes a column mandatory'],
  ['alter table jobs add column x text not null;', 'adds a mandatory column without a default'],
])('"%s" is noticed', (sql, what) => expect(found(sql)).toEqual([what]))

test.each([
  "alter table jobs add column x text not null default '';",
  "alter table jobs add column x text default '' not null;",
  'alter table jobs add column x text; create table y (z text not null);',
  '-- drop table jobs',
])('"%s" takes nothing away', sql => expect(found(sql)).toEqual([]))

test('no two migrations have one number, and none an odd name', () => {
  const names = knownMigrations().map(({ name }) => name)
  for (const name of names) expect(name).toMatch(/^\d{4}_[a-z_]+$/)
  expect(new Set(names.map(levelOf)).size).toBe(names.length)
})
