import fc from 'fast-check'
import { expect, test } from 'vitest'
import { onlyColours, plainLine, plainText, safeJson } from './plain-text.ts'

const ESC = '\u001b'
const hostile: [what: string, text: string, shown: string][] = [
  ['colours', `${ESC}[31mred${ESC}[0m`, 'red'],
  ['a screen clear', `${ESC}[2J${ESC}[Hgone?`, 'gone?'],
  ['a clipboard write (OSC 52)', `a${ESC}]52;c;ZXZpbA==\u0007b`, 'ab'],
  ['a disguised link (OSC 8)', `${ESC}]8;;javascript:x${ESC}\\click${ESC}]8;;${ESC}\\`, 'click'],
  ['a title change that never ends', `${ESC}]0;title\nnext line`, '\nnext line'],
  ['a device string', `${ESC}P1;2|secret${ESC}\\x`, 'x'],
  ['C1 controls', '\u009b31mred\u009d0;t\u009cx', 'redx'],
  ['a full reset', `${ESC}cx`, 'x'],
  ['an overwriting carriage return', 'rm -rf /\rls      ', 'rm -rf /\nls      '],
  ['Windows line ends', 'a\r\nb', 'a\nb'],
  ['backspaces', 'safe\b\b\b\bevil', 'safeevil'],
  ['NUL', 'a\0b', 'ab'],
  ['bidi overrides', 'user\u202e}\u2066 // x', 'user} // x'],
  ['invisible tags', `a\u{e0041}\u200bb`, 'ab'],
  ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
  ['tabs', 'a\tb', 'a    b'],
  ['an escape at the end', `a${ESC}`, 'a'],
]

test.each(hostile)('%s does nothing', (_what, text, shown) => {
  expect(plainText(text)).toBe(shown)
})

test('names and titles stay on one line', () => {
  expect(plainLine(' a\n\r\n\tb ')).toBe('a b')
})

test('what is not text is shown as text', () => {
  expect([plainText(undefined), plainText(null), plainText(7)]).toEqual(['', '', '7'])
})

test('no text at all leaves a control character behind', () => {
  const nasty = fc.string({
    unit: fc.constantFrom(ESC, '[', ']', '\u0007', '\u009b', '\\', 'P', 'm', '1', ';', 'x', '\n', '\r'),
  })
  fc.assert(
    fc.property(fc.oneof(nasty, fc.string({ unit: 'binary' })), text => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
      expect(plainText(text)).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/)
    }),
  )
})

test('JSON is the same value in harmless characters', () => {
  const value = { text: '\u009b2J\u202e\u001b[0m' }
  expect(safeJson(value)).toBe('{"text":"\\u009b2J\\u202e\\u001b[0m"}')
  expect(JSON.parse(safeJson(value))).toEqual(value)
})

test('the second wall lets colours through and nothing else', () => {
  expect(onlyColours(`${ESC}[31mred${ESC}[39m${ESC}[2J${ESC}]0;t\u0007`)).toBe(
    `${ESC}[31mred${ESC}[39m[2J]0;t`,
  )
})
