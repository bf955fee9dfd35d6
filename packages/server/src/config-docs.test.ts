// The guide names every variable that is read, and none that is not.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { VARIABLE_NAMES } from './config.ts'

const GUIDE = new URL('../../../docs/guides/configuration.md', import.meta.url)

test('docs/guides/configuration.md lists exactly the variables of server and worker', () => {
  const [ours] = readFileSync(GUIDE, 'utf8').split('\n## The command line\n')
  const listed = [...ours!.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(match => match[1])
  expect(listed.toSorted()).toEqual(VARIABLE_NAMES.toSorted())
})
