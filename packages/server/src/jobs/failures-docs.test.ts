// The quickstart explains every way a job can fail, and none that does not exist.
import { readFileSync } from 'node:fs'
import { FAILURE_CODES } from '@flowforge/protocol'
import { expect, test } from 'vitest'

const GUIDE = new URL('../../../../docs/guides/quickstart.md', import.meta.url)

test('docs/guides/quickstart.md explains exactly the reasons that there are', () => {
  const explained = [...readFileSync(GUIDE, 'utf8').matchAll(/^\| `([a-z_]+)` \|/gm)].map(match => match[1])
  expect(explained.toSorted()).toEqual(FAILURE_CODES.toSorted())
})
