import { expect, test } from 'vitest'
import { fillText, fillValue } from './template.ts'

test('names are replaced by their words, wherever they stand in an input', () => {
  const input = { file_path: '{{cwd}}/a.txt', list: ['{{ 1 }}', 2, null], nested: { text: '{{task}}' } }
  expect(fillValue(input, { cwd: '/w', '1': 'one', task: 'go' })).toEqual({
    file_path: '/w/a.txt',
    list: ['one', 2, null],
    nested: { text: 'go' },
  })
})

test('a name that is not known stays as it is', () => {
  expect(fillText('{{ secrets }} {{constructor}}', {})).toBe('{{ secrets }} {{constructor}}')
})

test('a known name without words becomes empty', () => {
  expect(fillText('[{{lastToolResult}}]', { lastToolResult: undefined })).toBe('[]')
})

test('what was put in is not read as a template, nor as a replacement pattern', () => {
  expect(fillText('{{task}} {{cwd}}', { task: '{{cwd}} $& $1', cwd: '/w' })).toBe('{{cwd}} $& $1 /w')
})
