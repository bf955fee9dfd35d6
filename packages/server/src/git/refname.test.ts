import { execFileSync } from 'node:child_process'
import { isValidBranchName } from '@flowforge/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'

test.each([
  'main',
  'feature/x',
  'flowforge/12-fix-the-bug',
  'a.b',
  'a@b',
  'ümläut',
  'a/-b',
  'v1.0',
  '#1',
  'a{b}',
  "it's",
])('%s is a branch name', name => expect(isValidBranchName(name)).toBe(true))

test.each([
  '',
  '-u',
  '--upload-pack=x',
  '@',
  'HEAD',
  'refs/heads/main',
  'a b',
  'a..b',
  'a@{1}',
  '@{-1}',
  'a~1',
  'a^',
  'a:b',
  'a?',
  'a*',
  'a[b',
  'a\\b',
  'a\nb',
  'a\0b',
  'a\x7fb',
  '/a',
  'a/',
  'a//b',
  '.a',
  'a/.b',
  'a.',
  'a.lock',
  'a.lock/b',
  'a\ud800',
  'x'.repeat(251),
])('%j is not', name => expect(isValidBranchName(name)).toBe(false))

test('Git agrees about every name', () => {
  const piece = fc.constantFrom(
    'a',
    'B',
    '0',
    '.',
    '/',
    '-',
    '@',
    '{',
    '}',
    '~',
    '^',
    ':',
    '?',
    '*',
    '[',
    '\\',
    ' ',
    '\t',
    '\x7f',
    '.lock',
    'HEAD',
    'é',
    '..',
    '//',
  )
  const names = fc.sample(
    fc.array(piece, { minLength: 1, maxLength: 6 }).map(pieces => pieces.join('')),
    { numRuns: 300, seed: 7 },
  )
  for (const name of new Set(names)) {
    const ours = isValidBranchName(name)
    // Stricter on purpose: `@` and `@{-1}` are abbreviations to Git, not names.
    if (ours !== gitAccepts(name))
      expect({ name, ours }).toEqual({ name: expect.stringMatching(/^@$|^refs\//), ours: false })
  }
})

function gitAccepts(name: string): boolean {
  try {
    execFileSync('git', ['check-ref-format', '--branch', name], { stdio: 'ignore', cwd: '/' })
    return true
  } catch {
    return false
  }
}
