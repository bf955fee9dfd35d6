import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attemptToken } from './attempt-token.ts'
import { createSealing } from './sealing.ts'

const sealing = createSealing(randomBytes(32))
const WRONG_KEY = { code: 'config_invalid', message: expect.stringContaining('FLOWFORGE_MASTER_KEY') }
const opening = (sealed: Buffer, context: string, by = sealing) => {
  try {
    return by.open(sealed, context)
  } catch (error) {
    return error
  }
}

describe('a sealed secret', () => {
  test('opens to what was sealed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, context) => {
        expect(sealing.open(sealing.seal(text, context), context)).toBe(text)
      }),
    )
  })

  test('looks different each time and shows nothing', () => {
    const [a, b] = [sealing.seal('hunter2', 'c'), sealing.seal('hunter2', 'c')]
    expect(a.equals(b)).toBe(false)
    expect(a.toString('latin1')).not.toContain('hunter2')
  })

  test('does not open where one bit was turned', () => {
    const sealed = sealing.seal('hunter2', 'c')
    for (let at = 0; at < sealed.length; at += 1) {
      const tampered = Buffer.from(sealed)
      tampered[at]! ^= 1
      expect(opening(tampered, 'c')).toMatchObject(WRONG_KEY)
    }
  })

  test('does not open when it was cut', () => {
    const sealed = sealing.seal('hunter2', 'c')
    for (let length = 0; length < sealed.length; length += 1)
      expect(opening(sealed.subarray(0, length), 'c')).toMatchObject(WRONG_KEY)
  })

  test('does not open for another row or with another key', () => {
    const sealed = sealing.seal('hunter2', 'repository/1')
    expect(opening(sealed, 'repository/2')).toMatchObject(WRONG_KEY)
    expect(opening(sealed, 'repository/1', createSealing(randomBytes(32)))).toMatchObject(WRONG_KEY)
  })
})

test('derived keys differ by purpose and stay the same', () => {
  expect(sealing.derive('a').equals(sealing.derive('a'))).toBe(true)
  expect(sealing.derive('a').equals(sealing.derive('b'))).toBe(false)
})

test("an attempt's token is known to whoever adopts it, and is its own", () => {
  const key = sealing.derive('attempt-tokens')
  expect(attemptToken(key, 'a/agent')).toBe(attemptToken(key, 'a/agent'))
  expect(attemptToken(key, 'a/agent')).not.toBe(attemptToken(key, 'a/verify'))
})
