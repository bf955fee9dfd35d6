import type { DeltaBatch } from '@flowforge/protocol'
import { expect, test } from 'vitest'
import { createTextDeltas } from './text-deltas.ts'

const sentBy = (act: (deltas: ReturnType<typeof createTextDeltas>) => void): Promise<string[]> =>
  new Promise(resolve => {
    const gateway = {
      deltas: async (batch: DeltaBatch) => resolve(batch.deltas.map(({ text }) => text)),
    }
    act(createTextDeltas(gateway, new AbortController().signal))
  })

test('what is written within a moment is sent as one', async () => {
  const sent = sentBy(deltas => {
    deltas.add('Hel', undefined)
    deltas.add('lo', undefined)
    deltas.add('Hi', 'sub-agent')
  })
  expect(await sent).toEqual(['Hello', 'Hi'])
})

test('what waits when its message is finished is not sent behind it; what others write is', async () => {
  const sent = sentBy(deltas => {
    deltas.add('Hello', undefined)
    deltas.add('Hi', 'sub-agent')
    deltas.forget(undefined)
    deltas.add('Next', undefined)
  })
  expect(await sent).toEqual(['Hi', 'Next'])
})
