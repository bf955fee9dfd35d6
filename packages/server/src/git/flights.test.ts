import { expect, test } from 'vitest'
import { createFlights } from './flights.ts'

function setUp() {
  let time = 0
  const flights = createFlights(() => time)
  const setTime = (value: number) => {
    time = value
  }
  const runs: { finish(): void; fail(error: Error): void; signal: AbortSignal; say(line: string): void }[] =
    []
  const share = (
    notBefore: number,
    options: { signal?: AbortSignal; onProgress?: (line: string) => void } = {},
  ) =>
    flights.share('key', { notBefore, ...options }, (signal, say) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      runs.push({ finish: resolve, fail: reject, signal, say })
      return promise
    })
  return { runs, share, setTime }
}

test('callers who are content with the run under way share it', async () => {
  const { runs, share } = setUp()
  const callers = [share(0), share(0), share(0)]
  runs[0]!.finish()
  await Promise.all(callers)
  expect(runs).toHaveLength(1)
})

test('callers who need a newer run wait for the old one and share the next', async () => {
  const { runs, share, setTime } = setUp()
  const first = share(0)
  const later = [share(1), share(1)]
  setTime(1)
  runs[0]!.fail(new Error('the first one failed'))
  await expect(first).rejects.toThrow('the first one failed')
  await expect.poll(() => runs.length).toBe(2)
  runs[1]!.finish()
  await Promise.all(later)
  expect(runs).toHaveLength(2)
})

test('the run ends when its last caller leaves, not before', async () => {
  const { runs, share } = setUp()
  const [one, two] = [new AbortController(), new AbortController()]
  const callers = [share(0, { signal: one.signal }), share(0, { signal: two.signal })]
  one.abort(new Error('one left'))
  await expect(callers[0]).rejects.toThrow('one left')
  expect(runs[0]!.signal.aborted).toBe(false)
  two.abort(new Error('two left'))
  await expect(callers[1]).rejects.toThrow('two left')
  expect(runs[0]!.signal.aborted).toBe(true)
  const next = share(0)
  expect(runs).toHaveLength(2)
  runs[1]!.finish()
  await next
})

test('everyone hears of the progress', async () => {
  const { runs, share } = setUp()
  const heard: string[] = []
  const callers = [
    share(0, { onProgress: line => heard.push(`a ${line}`) }),
    share(0, { onProgress: line => heard.push(`b ${line}`) }),
  ]
  runs[0]!.say('50%')
  runs[0]!.finish()
  await Promise.all(callers)
  expect(heard).toEqual(['a 50%', 'b 50%'])
})
