import { expect, test } from 'vitest'
import { firstLine, oneLine, revealHidden } from './hidden.ts'

test('newlines, tabs, emoji and letters of every script stay as they are', () => {
  const text = 'Grüße\n\t日本語 👩‍💻 שלום'
  expect(revealHidden(text)).toBe(text)
})

test('invisible tag characters and isolates are shown', () => {
  expect(revealHidden('a\u{e0041}b\u2066c')).toBe('a⟨U+E0041⟩b⟨U+2066⟩c')
})

test('one line has no line breaks and is cut', () => {
  expect(oneLine('  a\n\n b\tc ')).toBe('a b c')
  expect(oneLine('x'.repeat(1_000_000), 5)).toBe('xxxx…')
})

test('the first line of a task is its title', () => {
  expect(firstLine('\n\nFix the tests\nThey fail since Monday.')).toBe('Fix the tests')
  expect(firstLine('')).toBe('')
})
