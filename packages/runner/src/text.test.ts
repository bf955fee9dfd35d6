import { expect, test } from 'vitest'
import { cleanText, cleanValue, cutEnd, cutMiddle, cutStart } from './text.ts'

test('NUL becomes visible and lone surrogates are replaced', () => {
  expect(cleanText('a\0b\ud800c')).toBe('a␀b\ufffdc')
})

test('a long text keeps its head and its tail, and says how much is missing', () => {
  const cut = cutMiddle(`${'a'.repeat(1000)}${'b'.repeat(1000)}`, 100)
  expect(cut).toBe(`${'a'.repeat(50)}\n… [1900 characters cut] …\n${'b'.repeat(50)}`)
})

test('cutting never splits a surrogate pair', () => {
  const text = '😀'.repeat(20)
  for (const cut of [cutEnd(text, 5), cutMiddle(text, 7), cutStart(text, 5)])
    expect(cut.isWellFormed()).toBe(true)
})

test('a value of any shape becomes JSON of bounded size', () => {
  const deep: Record<string, unknown> = {}
  let inner = deep
  for (let depth = 0; depth < 100; depth += 1) {
    inner.next = {}
    inner = inner.next as Record<string, unknown>
  }
  const clean = cleanValue(
    { deep, many: Array.from({ length: 5000 }, () => 1), 'key\0': 'x\0', big: 1n },
    100,
  )
  const text = JSON.stringify(clean)
  expect(text.length).toBeLessThan(10_000)
  expect(text).toContain('nested too deeply')
  expect(text).toContain('[4000 more]')
  expect(text).not.toContain('\\u0000')
})
