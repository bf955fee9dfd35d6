import { expect, test } from 'vitest'
import { fetchCommand, gitAddress, shellWord } from './git-address.ts'

test('the address of a hosted repository', () => {
  expect(gitAddress('http://127.0.0.1:7420', 'default', 'shop')).toBe(
    'http://127.0.0.1:7420/git/default/shop.git',
  )
})

test('what is not a plain word is quoted for the shell', () => {
  expect(shellWord('flowforge/12-fix')).toBe('flowforge/12-fix')
  expect(shellWord('a;rm -rf $HOME')).toBe("'a;rm -rf $HOME'")
  expect(shellWord("it's")).toBe(`'it'\\''s'`)
  expect(shellWord('-u')).toBe("'-u'")
})

test('the command that fetches a result', () => {
  expect(fetchCommand('http://h/git/o/r.git', 'flowforge/1')).toBe(
    'git fetch http://h/git/o/r.git refs/heads/flowforge/1 && git switch -c flowforge/1 FETCH_HEAD',
  )
})
