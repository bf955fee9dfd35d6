import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openJournal } from './event-journal.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flowforge-journal-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const open = (segmentBytes = 1000) => openJournal(directory, { segmentBytes })

test('lines are read back from any number, within the limits asked for', () => {
  const journal = open()
  for (let seq = 1; seq <= 5; seq += 1) expect(journal.append(`line ${seq}`)).toBe(seq)
  expect(journal.read(2, 2, 1000)).toEqual(['line 2', 'line 3'])
  expect(journal.read(4, 10, 1000)).toEqual(['line 4', 'line 5'])
  expect(journal.read(1, 10, 1)).toEqual(['line 1'])
  expect(journal.read(6, 10, 1000)).toEqual([])
})

test('a restarted runner goes on with the next number, and a half line is forgotten', () => {
  const first = open()
  first.append('one')
  first.append('zwei ä')
  first.close()
  appendFileSync(join(directory, readdirSync(directory)[0] ?? ''), 'half')
  const second = open()
  expect(second.nextSeq).toBe(3)
  expect(second.append('three')).toBe(3)
  expect(second.read(1, 10, 1000)).toEqual(['one', 'zwei ä', 'three'])
})

test('delivered segments are deleted, and the numbers go on', () => {
  const journal = open(20)
  for (let seq = 1; seq <= 10; seq += 1) journal.append(`line number ${seq}`)
  expect(readdirSync(directory).length).toBe(5)
  journal.forgetThrough(9)
  expect(readdirSync(directory).length).toBe(1)
  expect(journal.oldestSeq).toBe(9)
  journal.forgetThrough(10)
  journal.close()
  const next = open(20)
  expect(next.nextSeq).toBe(11)
})
