import { expect, test } from 'vitest'
import { createOutputCollector, OUTPUT_LIMITS, type OutputStream } from './output.ts'

const collect = (limits = OUTPUT_LIMITS) => {
  const shown: { stream: OutputStream; text: string }[] = []
  const output = createOutputCollector((stream, text) => shown.push({ stream, text }), limits)
  return { output, shown, all: () => shown.map(({ text }) => text).join('') }
}

test('characters that are split between chunks are put together again', () => {
  const { output, all } = collect()
  for (const byte of Buffer.from('grün 😀\n')) output.write('stdout', Buffer.from([byte]))
  output.end()
  expect(all()).toBe('grün 😀\n')
})

test('stdout and stderr are told apart, and the tail has both', () => {
  const { output, shown } = collect()
  output.write('stdout', Buffer.from('out\n'))
  output.write('stderr', Buffer.from('err\n'))
  output.end()
  expect(shown).toEqual([
    { stream: 'stdout', text: 'out\n' },
    { stream: 'stderr', text: 'err\n' },
  ])
  expect(output.tail()).toBe('out\nerr\n')
})

test('a line of 100 MB costs a line, and what follows is whole', () => {
  const { output, all } = collect()
  const chunk = Buffer.alloc(1024 * 1024, 'x')
  for (let mebibytes = 0; mebibytes < 100; mebibytes += 1) output.write('stdout', chunk)
  output.write('stdout', Buffer.from('\nafter\n'))
  output.end()
  expect(all().length).toBeLessThan(OUTPUT_LIMITS.lineChars + 200)
  expect(all()).toContain(
    `… [${100 * 1024 * 1024 - OUTPUT_LIMITS.lineChars} more characters of this line cut]\nafter\n`,
  )
})

test('after the limit of a command only the end is shown', () => {
  const { output, all } = collect({ ...OUTPUT_LIMITS, totalChars: 1000, tailChars: 100 })
  for (let line = 1; line <= 1000; line += 1) output.write('stdout', Buffer.from(`line ${line}\n`))
  output.end()
  expect(all()).toContain('line 1\n')
  expect(all()).not.toContain('line 500\n')
  expect(all()).toContain('more characters of output not shown')
  expect(all()).toContain('line 1000\n')
  expect(all().length).toBeLessThan(1500)
})
