import { expect, test } from 'vitest'
import { plainText, segmentsOf } from './ansi.ts'

test('colours become segments and end where they are reset', () => {
  expect(segmentsOf('a \u001b[1;31mFAIL\u001b[0m b')).toEqual([
    { text: 'a ' },
    { text: 'FAIL', bold: true, color: 'red' },
    { text: ' b' },
  ])
})

test('extended colours do not leak their parameters into other styles', () => {
  expect(segmentsOf('\u001b[38;5;1mx\u001b[38;2;31;32;33my')).toEqual([{ text: 'x' }, { text: 'y' }])
})

test('a terminal link keeps its text and loses its address', () => {
  expect(plainText('\u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007!')).toBe('click!')
  expect(plainText('\u001b]8;;http://x\u001b\\click\u001b]8;;\u001b\\')).toBe('click')
})

test('clipboard writes, titles, cursor moves and mode changes vanish', () => {
  expect(
    plainText('\u001b]52;c;ZXZpbA==\u0007a\u001b]0;title\u0007b\u001b[2Jc\u001b[?25ld\u001b(Be\u009b31mf'),
  ).toBe('abcdef')
})

test('an unfinished sequence does not swallow more than itself or hang', () => {
  expect(plainText('a\u001b')).toBe('a\u241b')
  expect(plainText('a\u001b[')).toBe('a')
  expect(plainText(`\u001b]${'x'.repeat(200_000)}`)).toBe('')
})

test('a progress bar shows its last state', () => {
  expect(plainText('10%\r50%\r100%\r\ndone')).toBe('100%\ndone')
})

test('bidi overrides and control characters become visible', () => {
  expect(plainText('a\u202eb\u0000c\u200bd')).toBe('a⟨U+202E⟩b\u2400c⟨U+200B⟩d')
})
