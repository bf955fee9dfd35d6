// Following a job over a connection that breaks: the reader sees every event once, in order, and the end.
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { createFlowForge } from './flowforge.ts'
import { type Loopback, type Seen, sendJson, sendProblem, startLoopback } from './loopback.fixture.ts'
import type { JobEvent } from './types.ts'

const story = (...types: string[]): JobEvent[] =>
  types.map(
    (type, index) => ({ seq: index + 1, jobId: 'job_1', attempt: 1, type, at: '', data: {} }) as JobEvent,
  )

const DONE = story('job.created', 'job.started', 'log', 'log', 'job.succeeded')

const frame = (event: JobEvent) =>
  `${event.seq === undefined ? '' : `id: ${event.seq}\n`}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

const cursorOf = (seen: Seen) => Number(new URL(seen.url, 'http://x').searchParams.get('after'))

/** A server whose log is `events`; `stream` decides what one connection carries and how it ends. */
const startLog = (
  events: JobEvent[],
  stream: (response: ServerResponse, after: number, connection: number) => void,
): Promise<Loopback> => {
  let connections = 0
  return startLoopback((seen, response) => {
    const after = cursorOf(seen)
    if (!seen.url.includes('/stream')) {
      const data = events.filter(event => event.seq! > after).slice(0, 1)
      sendJson(response, 200, { data, nextCursor: null, hasMore: false })
      return
    }
    connections += 1
    stream(response, after, connections)
  })
}

const openStream = (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'text/event-stream' })

const collect = async (events: AsyncIterable<JobEvent>) => {
  const seqs: (number | undefined)[] = []
  for await (const event of events) seqs.push(event.seq)
  return seqs
}

const follow = (server: Loopback, options = {}) =>
  createFlowForge({ baseUrl: server.url }).jobs.follow('job_1', options)

test('replays, then ends by itself although the server keeps the stream open', async () => {
  await using server = await startLog(DONE, response => {
    openStream(response)
    for (const event of DONE) response.write(frame(event))
  })
  expect(await collect(follow(server))).toEqual([1, 2, 3, 4, 5])
})

test('resumes after a cut with its cursor: no gap, no duplicate', async () => {
  await using server = await startLog(DONE, (response, _after, connection) => {
    openStream(response)
    // The second connection is one of a careless server that repeats what was seen.
    const part = connection === 1 ? DONE.slice(0, 3) : DONE.slice(1)
    response.write(part.map(frame).join(''), () => connection === 1 && response.destroy())
  })
  const breaks: number[] = []
  const seqs = await collect(
    follow(server, { onReconnect: (info: { attempt: number }) => breaks.push(info.attempt) }),
  )
  expect(seqs).toEqual([1, 2, 3, 4, 5])
  expect(breaks).toEqual([1])
  const streams = server.seen.filter(seen => seen.url.includes('/stream'))
  expect(streams.map(cursorOf)).toEqual([0, 3])
  expect(streams[1]?.headers['last-event-id']).toBe('3')
})

test('a frame that is cut in two, in the middle of a character, is put together', async () => {
  const events = story('job.created', 'job.succeeded')
  events[0] = { ...events[0]!, type: 'claude.message', data: { text: 'Grüße' } }
  await using server = await startLog(events, response => {
    openStream(response)
    const bytes = Buffer.from(events.map(frame).join(''))
    const middle = bytes.indexOf(Buffer.from('ü')) + 1
    response.write(bytes.subarray(0, middle), () =>
      setImmediate(() => response.write(bytes.subarray(middle))),
    )
  })
  const texts: unknown[] = []
  for await (const event of follow(server)) texts.push(event.data)
  expect(texts[0]).toEqual({ text: 'Grüße' })
})

test('a gap is filled from the log instead of shown', async () => {
  await using server = await startLog(DONE, (response, after, connection) => {
    openStream(response)
    const part = connection === 1 ? DONE.filter(event => event.seq !== 3) : DONE.slice(after)
    response.write(part.map(frame).join(''))
  })
  expect(await collect(follow(server))).toEqual([1, 2, 3, 4, 5])
})

test('a failure that was retried is not the end', async () => {
  const events = story('job.created', 'job.failed', 'job.retried', 'job.started', 'job.succeeded')
  await using server = await startLog(events, (response, after) => {
    openStream(response)
    response.write(events.slice(after).map(frame).join(''))
  })
  expect(await collect(follow(server))).toEqual([1, 2, 3, 4, 5])
})

test('text deltas pass through and move no cursor', async () => {
  const delta = { ...DONE[0]!, seq: undefined, type: 'claude.text.delta', data: { text: 'He' } } as JobEvent
  await using server = await startLog(DONE, response => {
    openStream(response)
    response.write([DONE[0]!, delta, ...DONE.slice(1)].map(frame).join(''))
  })
  expect(await collect(follow(server))).toEqual([1, undefined, 2, 3, 4, 5])
})

test('a server that restarts is waited for', async () => {
  await using server = await startLog(DONE, (response, _after, connection) => {
    if (connection === 1) {
      sendProblem(response, 503, { code: 'unavailable' })
      return
    }
    openStream(response)
    response.write(DONE.map(frame).join(''))
  })
  expect(await collect(follow(server))).toEqual([1, 2, 3, 4, 5])
})

test('a silent connection counts as dead', async () => {
  await using server = await startLog(DONE, (response, after, connection) => {
    openStream(response)
    response.write((connection === 1 ? DONE.slice(0, 2) : DONE.slice(after)).map(frame).join(''))
  })
  expect(await collect(follow(server, { idleTimeoutMs: 100 }))).toEqual([1, 2, 3, 4, 5])
})

test('204 ends it: there is nothing more to come', async () => {
  await using server = await startLog(DONE, response => response.writeHead(204).end())
  expect(await collect(follow(server, { after: 5 }))).toEqual([])
})

test('an unknown job is an error at once', async () => {
  await using server = await startLog([], response =>
    sendProblem(response, 404, { code: 'job_not_found', detail: 'There is no job 9' }),
  )
  await expect(collect(follow(server))).rejects.toMatchObject({ code: 'job_not_found' })
  expect(server.seen).toHaveLength(1)
})

test('gives up when nothing new comes for the time that was set', async () => {
  await using server = await startLog([], response => response.destroy())
  await expect(collect(follow(server, { reconnectForMs: 0 }))).rejects.toMatchObject({
    name: 'FlowForgeConnectionError',
  })
})

test('the signal ends it, also while it waits for the next event', async () => {
  await using server = await startLog(DONE, response => {
    openStream(response)
    response.write(frame(DONE[0]!))
  })
  const abort = new AbortController()
  const seqs: unknown[] = []
  const reading = (async () => {
    for await (const event of follow(server, { signal: abort.signal })) {
      seqs.push(event.seq)
      abort.abort(new Error('enough'))
    }
  })()
  await expect(reading).rejects.toThrow('enough')
  expect(seqs).toEqual([1])
})
