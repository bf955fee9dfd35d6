import { expect, test } from 'vitest'
import { createClosing } from './closing.ts'

test('a server that nobody asks whether it is ready waits for nobody', async () => {
  const closing = createClosing()
  closing.begin()
  await closing.noticed(60_000)
  expect(closing.hasBegun).toBe(true)
})

test('a server whose balancer asks waits until that was told twice that it goes', async () => {
  const closing = createClosing()
  expect(closing.askedReady()).toBe(true)
  closing.begin()
  let noticed = false
  const noticing = closing.noticed(60_000).then(() => {
    noticed = true
  })
  expect(closing.askedReady()).toBe(false)
  await Promise.resolve()
  expect(noticed).toBe(false)
  closing.askedReady()
  await noticing
})

test('a balancer that has gone itself is waited for no longer than the limit', async () => {
  const closing = createClosing()
  closing.askedReady()
  closing.begin()
  await closing.noticed(1)
})

test('one that asked long ago is not waited for', async () => {
  let nowMs = 0
  const closing = createClosing(() => nowMs)
  closing.askedReady()
  nowMs = 40_000
  closing.begin()
  await closing.noticed(60_000)
})
