import { expect, test } from 'vitest'
import { createEventFeed, type FeedPorts } from './event-feed.ts'
import type { Page, StreamedEvent } from './types.ts'

const line = (seq: number, type: 'log' | 'job.succeeded' = 'log') =>
  ({
    seq,
    jobId: 'j',
    attempt: 1,
    at: '2026-01-01T00:00:00Z',
    type,
    data: { text: String(seq) },
  }) as StreamedEvent
const delta = (text: string) =>
  ({
    jobId: 'j',
    attempt: 1,
    at: '2026-01-01T00:00:00Z',
    type: 'claude.text.delta',
    data: { text },
  }) as StreamedEvent

/** A server whose log and streams the test holds in its hands. */
function setUp(stored: StreamedEvent[], { startsDown = false } = {}) {
  const pageSize = 2
  const streams: { after: number; emit: (event: StreamedEvent) => void; cut: () => void; open: boolean }[] =
    []
  const retries: (() => void)[] = []
  const seen: StreamedEvent[] = []
  const down = { value: startsDown }
  const ports: FeedPorts = {
    async page(after): Promise<Page<StreamedEvent>> {
      if (down.value) throw new Error('down')
      const rest = stored.filter(event => (event.seq ?? 0) > after)
      return { data: rest.slice(0, pageSize), nextCursor: null, hasMore: rest.length > pageSize }
    },
    stream(after, emit, cut) {
      const stream = { after, emit, cut, open: true }
      streams.push(stream)
      return () => {
        stream.open = false
      }
    },
    soon: run => queueMicrotask(run),
    later: run => {
      retries.push(run)
      return () => {}
    },
  }

  const feed = createEventFeed(
    ports,
    events => seen.push(...events),
    () => {},
  )
  const settle = async () => {
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve()
  }
  return { feed, streams, retries, seen, stored, down, settle, seqs: () => seen.map(event => event.seq) }
}

test('stored pages come first, then the stream goes on after the last of them', async () => {
  const at = setUp([line(1), line(2), line(3), line(4), line(5)])
  await at.settle()
  expect(at.streams[0]?.after).toBe(5)
  at.streams[0]?.emit(line(6))
  await at.settle()
  expect(at.seqs()).toEqual([1, 2, 3, 4, 5, 6])
  expect(at.feed.state()).toBe('live')
})

test('a repeated event is taken once, and deltas pass without a number', async () => {
  const at = setUp([line(1)])
  await at.settle()
  at.streams[0]?.emit(line(1))
  at.streams[0]?.emit(delta('he'))
  at.streams[0]?.emit(line(2))
  at.streams[0]?.emit(line(2))
  await at.settle()
  expect(at.seqs()).toEqual([1, undefined, 2])
})

test('a gap in the stream is filled from the stored events', async () => {
  const at = setUp([line(1)])
  await at.settle()
  at.stored.push(line(2), line(3), line(4))
  at.streams[0]?.emit(line(4))
  await at.settle()
  expect(at.seqs()).toEqual([1, 2, 3, 4])
  expect(at.streams[0]?.open).toBe(false)
  expect(at.streams[1]?.after).toBe(4)
})

test('a cut stream is resumed from the last number seen', async () => {
  const at = setUp([line(1)])
  await at.settle()
  at.streams[0]?.emit(line(2))
  at.streams[0]?.cut()
  expect(at.feed.state()).toBe('reconnecting')
  at.stored.push(line(2), line(3))
  at.retries[0]?.()
  await at.settle()
  expect(at.seqs()).toEqual([1, 2, 3])
  expect(at.feed.state()).toBe('live')
})

test('while the server is away the feed tries again and says so', async () => {
  const at = setUp([line(1)], { startsDown: true })
  await at.settle()
  expect(at.feed.state()).toBe('reconnecting')
  expect(at.feed.error()).toBeInstanceOf(Error)
  at.down.value = false
  at.retries.at(-1)?.()
  await at.settle()
  expect(at.seqs()).toEqual([1])
})

test('the end of the job ends the stream, and a nudge with a newer number looks again', async () => {
  const at = setUp([line(1), line(2, 'job.succeeded')])
  await at.settle()
  expect(at.feed.state()).toBe('ended')
  expect(at.streams).toHaveLength(0)
  at.stored.push(line(3))
  at.feed.nudge(2)
  await at.settle()
  expect(at.seqs()).toEqual([1, 2])
  at.feed.nudge(3)
  await at.settle()
  expect(at.seqs()).toEqual([1, 2, 3])
})

test('after close nothing arrives any more', async () => {
  const at = setUp([line(1)])
  await at.settle()
  at.feed.close()
  at.streams[0]?.emit(line(2))
  await at.settle()
  expect(at.seqs()).toEqual([1])
})
