import fc from 'fast-check'
import { expect, test } from 'vitest'
import { storable } from './event-log.ts'
import { renderLog } from './log-text.ts'

const line = (text: string) => ({ type: 'log' as const, data: { stream: 'stdout' as const, text } })

test('whatever the text, what is stored has no NUL and no half of a surrogate pair', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), fc.boolean(), (text, broken) => {
      const stored = JSON.parse(storable(line(broken ? `\ud800${text}\0` : text)).json).text as string
      expect(stored.isWellFormed()).toBe(true)
      expect(stored).not.toContain('\0')
    }),
  )
})

test('data of another form than its type never gets in', () => {
  expect(() => storable({ type: 'log', data: { stream: 'nonsense', text: 1 } } as never)).toThrow()
})

test('the log as text obeys no control sequence', () => {
  const hostile = 'a\x1b]8;;javascript:alert(1)\x07link\x1b[2J\u202egnp.exe\r\nb\u009b31m'
  const text = renderLog({ ...line(hostile), jobId: 'j', attempt: 1, seq: 1, at: '2026-01-01T10:11:12.000Z' })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(text.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/)
  expect(text).toMatch(/^10:11:12 {2}stdout: a\\u001b/)
  expect(text.split('\n')[1]).toMatch(/^ {10}b/)
})
