import { describe, expect, test } from 'vitest'
import { readEgressPattern } from './egress-pattern.ts'

describe('an egress pattern', () => {
  test.each([
    ['example.org', 'example.org', false],
    ['*.example.org', 'example.org', true],
    ['EXAMPLE.org', 'example.org', false],
    ['bücher.example', 'xn--bcher-kva.example', false],
  ])('%s allows %s', (text, host, subdomains) => {
    expect(readEgressPattern(text)).toEqual({ host, subdomains })
  })

  test.each([
    ...['', '*', '*.', 'localhost', '.org', 'example.org.', '**.example.org', 'a.*.org'],
    ...[
      'example.org/x',
      'example.org?x',
      'example.org#x',
      'example.org\\x',
      'example.org:443',
      'x@example.org',
    ],
    ...['exam\nple.org', ' example.org', 'http://example.org', '127.0.0.1', '127.1', '0x7f.1', '[::1]'],
  ])('%j allows nothing', text => {
    expect(readEgressPattern(text)).toBeUndefined()
  })
})
