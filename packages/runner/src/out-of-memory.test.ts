import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hasRunOutOfMemory } from './out-of-memory.ts'

const fileWith = (text: string): string => {
  const directory = mkdtempSync(join(tmpdir(), 'flowforge-memory-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'events'), text)
  return join(directory, 'events')
}

test.each([
  ['version 2, nothing killed', 'low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\noom_group_kill 0\n', false],
  ['version 2, killed', 'low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n', true],
  ['version 1, nothing killed', 'oom_kill_disable 0\nunder_oom 0\noom_kill 0\n', false],
  ['version 1, killed', 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n', true],
])('control groups of %s', (_what, text, expected) => {
  expect(hasRunOutOfMemory([fileWith(text)])).toBe(expected)
})

test('where the kernel shows no counter nobody is blamed', () => {
  expect(hasRunOutOfMemory(['/nowhere/memory.events'])).toBe(false)
})
