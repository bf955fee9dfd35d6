import { expect, test } from 'vitest'
import { digestOf, toolTitle } from './digest.ts'

test.each([
  ['Bash', { command: 'npm test\n  -- --run', description: 'Run the tests' }, 'npm test -- --run'],
  ['Read', { file_path: '/workspace/repository/src/cart.ts', limit: 20 }, 'src/cart.ts'],
  ['Edit', { file_path: '/workspace/repository/src/a.ts', old_string: 'x', new_string: 'y' }, 'src/a.ts'],
  ['Grep', { pattern: 'total\\(', path: '/workspace/repository/src' }, 'total\\( in src'],
  ['Task', { description: 'Find the callers', prompt: 'long' }, 'Find the callers'],
  ['mcp__tickets__get', { name: 'T-12' }, 'T-12'],
  ['Unknown', { a: 1, b: [2] }, '{"a":1,"b":[2]}'],
  ['Bash', { command: { nested: true } }, '{"command":{"nested":true}}'],
  ['Bash', {}, ''],
  ['Bash', null, ''],
  ['Bash', 'echo hi', 'echo hi'],
  ['constructor', { command: 'x' }, 'x'],
])('%s %j reads %j', (name, input, digest) => expect(digestOf(name, input)).toBe(digest))

test('a plan says how far it is', () => {
  const todos = [
    { content: 'Reproduce', status: 'completed' },
    { content: 'Fix', status: 'in_progress', activeForm: 'Fixing' },
    { content: 'Explain', status: 'pending' },
  ]
  expect(digestOf('TodoWrite', { todos })).toBe('1 of 3 done · Fixing')
})

test('hidden characters in a command are shown, and a long one is cut', () => {
  expect(digestOf('Bash', { command: 'rm \u202esj.txt' })).toBe('rm ⟨U+202E⟩sj.txt')
  expect(digestOf('Bash', { command: 'x'.repeat(1_000_000) })).toHaveLength(240)
})

test('tools of an MCP server are named by server and tool', () => {
  expect(toolTitle('mcp__tickets__get_issue')).toBe('tickets · get_issue')
  expect(toolTitle('Bash')).toBe('Bash')
})
