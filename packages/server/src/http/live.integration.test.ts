import { once } from 'node:events'
import type { JobEvent } from '@flowforge/protocol'
import { createParser } from 'eventsource-parser'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { cancel } from '../jobs/testing-engine.ts'
import { startTestServer, type TestServer } from './testing-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const say = (jobId: string, ...texts: string[]) => {
  const subject = { id: jobId, organization_id: server.scene.tenant.organizationId, attempt: 0 }
  const events = texts.map(text => ({ type: 'log' as const, data: { stream: 'stdout' as const, text } }))
  return server.scene.database.acrossOrganizations(tx => server.scene.events.append(tx, subject, events))
}

describe('Server-Sent Events', () => {
  const listen = async (id: string, headers: Record<string, string> = {}, query = '') => {
    const stop = new AbortController()
    onTestFinished(() => stop.abort())
    const response = await fetch(`${server.url}/api/v1/jobs/${id}/stream${query}`, {
      headers: { authorization: `Bearer ${server.keys.first}`, ...headers },
      signal: stop.signal,
    })
    const got: Array<{ id: string | undefined; event: JobEvent }> = []
    const parser = createParser({
      onEvent: message => got.push({ id: message.id, event: JSON.parse(message.data) }),
    })
    const ended = (async () => {
      const decoder = new TextDecoder()
      for await (const part of response.body ?? []) parser.feed(decoder.decode(part, { stream: true }))
    })().catch(() => {})
    return { response, got, ended, seqs: () => got.map(({ event }) => event.seq), stop: () => stop.abort() }
  }

  test('tell the story from its beginning and end with it', async () => {
    const { id } = await server.scene.submit()
    const stream = await listen(id)
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    await say(id, 'line one\nline two\r\n\n')
    await cancel(server.scene, id)
    await stream.ended
    expect(stream.got.map(({ id, event }) => `${id} ${event.seq} ${event.type}`)).toEqual([
      '1 1 job.created',
      '2 2 job.queued',
      '3 3 log',
      '4 4 job.cancelled',
    ])
    expect(stream.got[2]?.event.data).toEqual({ stream: 'stdout', text: 'line one\nline two\r\n\n' })
  })

  test('go on after Last-Event-ID, which counts more than the address', async () => {
    const { id } = await server.scene.submit()
    await cancel(server.scene, id)
    const stream = await listen(id, { 'last-event-id': '2' }, '?after=0')
    await stream.ended
    expect(stream.seqs()).toEqual([3])
    const byAddress = await listen(id, {}, '?after=1')
    await byAddress.ended
    expect(byAddress.seqs()).toEqual([2, 3])
  })

  test('answer 204 to one who has it all: a browser then stops to ask', async () => {
    const { id } = await server.scene.submit()
    await cancel(server.scene, id)
    expect((await listen(id, { 'last-event-id': '3' })).response.status).toBe(204)
    expect((await listen(id, { 'last-event-id': 'nonsense' })).response.status).toBe(200)
  })

  test('leave nothing behind when the listener goes', async () => {
    const { id } = await server.scene.submit()
    const stream = await listen(id)
    await expect.poll(() => stream.got.length).toBe(2)
    stream.stop()
    await stream.ended
    await say(id, 'to nobody')
    expect((await server.ask('/healthz')).status).toBe(200)
  })
})

describe('the WebSocket', () => {
  interface Message {
    type: string
    seq?: number
    jobId?: string
    subscription?: string
    code?: string
  }
  const connect = async (key = server.keys.first) => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/live`, {
      headers: { authorization: `Bearer ${key}` },
    })
    onTestFinished(() => socket.terminate())
    const got: Message[] = []
    socket.on('message', data => got.push(JSON.parse(String(data))))
    await once(socket, 'open')
    return {
      socket,
      got,
      send: (message: unknown) =>
        socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
      seqsOf: (id: string) => got.filter(message => message.jobId === id).map(message => message.seq),
      of: (type: string) => got.filter(message => message.type === type),
    }
  }

  test('gives a job from a cursor on, then live', async () => {
    const { id } = await server.scene.submit()
    const live = await connect()
    live.send({ subscribe: id, after: 1 })
    await expect.poll(() => live.seqsOf(id)).toEqual([2])
    await say(id, 'a', 'b')
    await expect.poll(() => live.seqsOf(id)).toEqual([2, 3, 4])
    expect(live.got[0]).toEqual({ type: 'live.subscribed', subscription: id, after: 1 })
  })

  test('gives several jobs on one connection, and stops with one of them', async () => {
    const [one, two] = [await server.scene.submit(), await server.scene.submit()]
    const live = await connect()
    live.send({ subscribe: one.id })
    live.send({ subscribe: String(two.number) })
    await expect.poll(() => live.got.length).toBe(6)
    live.send({ unsubscribe: one.id })
    live.send({ subscribe: 'nonsense' })
    // Answered in order: the one before has been done.
    await expect.poll(() => live.of('live.error').length).toBe(1)
    await say(one.id, 'unheard')
    await say(two.id, 'heard')
    await expect.poll(() => live.seqsOf(two.id)).toEqual([1, 2, 3])
    expect(live.seqsOf(one.id)).toEqual([1, 2])
  })

  test('starts again where one subscribes again, and ends with one unsubscribe', async () => {
    const { id } = await server.scene.submit()
    const live = await connect()
    live.send({ subscribe: id })
    await expect.poll(() => live.seqsOf(id)).toEqual([1, 2])
    live.send({ subscribe: id, after: 1 })
    await expect.poll(() => live.seqsOf(id)).toEqual([1, 2, 2])
    await say(id, 'heard once')
    await expect.poll(() => live.seqsOf(id)).toEqual([1, 2, 2, 3])
    live.send({ unsubscribe: id })
    live.send('answered after it')
    await expect.poll(() => live.of('live.error').length).toBe(1)
    await say(id, 'unheard')
    live.send('again')
    await expect.poll(() => live.of('live.error').length).toBe(2)
    expect(live.seqsOf(id)).toEqual([1, 2, 2, 3])
    expect(live.of('live.ended')).toEqual([])
  })

  test('can be asked for the same job many times at once', async () => {
    const { id } = await server.scene.submit()
    const live = await connect()
    for (let n = 0; n < 10; n += 1) live.send({ subscribe: id, after: 1 })
    await expect.poll(() => live.seqsOf(id).length).toBeGreaterThan(0)
    await say(id, 'heard once')
    await expect.poll(() => live.seqsOf(id).filter(seq => seq === 3)).toEqual([3])
  })

  test('gives every job of the organization for "*"', async () => {
    const live = await connect()
    const strangers = await connect(server.keys.stranger)
    for (const each of [live, strangers]) {
      each.send({ subscribe: '*' })
      await expect.poll(() => each.of('live.subscribed').length).toBe(1)
    }
    // "From now on" begins a moment after the answer.
    await expect.poll(() => server.scene.submit().then(() => live.got.length)).toBeGreaterThan(1)
    const { id } = await server.scene.submit()
    await expect.poll(() => live.seqsOf(id)).toEqual([1, 2])
    expect(strangers.got).toHaveLength(1)
  })

  test.each([
    ['no JSON', 'subscribe!', 'malformed_request'],
    ['another message', { hello: 1 }, 'malformed_request'],
    ['a cursor that is none', { subscribe: '1', after: -1 }, 'malformed_request'],
    ['a cursor beyond all', { subscribe: '1', after: 2 ** 40 }, 'malformed_request'],
    ['an unknown job', { subscribe: '00000000-0000-7000-8000-000000000000' }, 'job_not_found'],
  ])('answers %s with an error and stays', async (_what, message, code) => {
    const live = await connect()
    live.send(message)
    await expect.poll(() => live.got).toMatchObject([{ type: 'live.error', code }])
    const { id } = await server.scene.submit()
    live.send({ subscribe: id })
    await expect.poll(() => live.seqsOf(id)).toEqual([1, 2])
  })

  test('is not used up by subscriptions that failed', async () => {
    const live = await connect()
    for (let n = 0; n < 60; n += 1) live.send({ subscribe: `nothing-${n}` })
    await expect.poll(() => live.of('live.error').length, { timeout: 5_000 }).toBe(60)
    const { id } = await server.scene.submit()
    live.send({ subscribe: id })
    await expect.poll(() => live.seqsOf(id)).toEqual([1, 2])
  })

  test("shows nobody another organization's job", async () => {
    const { id } = await server.scene.submit()
    const live = await connect(server.keys.stranger)
    live.send({ subscribe: id })
    await expect.poll(() => live.got).toMatchObject([{ type: 'live.error', code: 'job_not_found' }])
  })

  test('gives events of every length whole, between its own messages', async () => {
    const { id } = await server.scene.submit()
    const live = await connect()
    const lengths = [0, 1, 100, 125, 126, 127, 65_300, 65_400, 65_535, 65_536, 200_000]
    await say(id, ...lengths.map(length => 'ä'.repeat(length)))
    live.send({ subscribe: id, after: 2 })
    live.send('answered with an error')
    await expect.poll(() => live.seqsOf(id).length, { timeout: 5_000 }).toBe(lengths.length)
    const texts = live.got.flatMap(message =>
      message.type === 'log' ? [message as unknown as JobEvent] : [],
    )
    expect(texts.map(event => (event.data as { text: string }).text.length)).toEqual(lengths)
    expect(live.of('live.error')).toHaveLength(1)
  })

  test('refuses a message that is too large', async () => {
    const live = await connect()
    live.send({ subscribe: 'x'.repeat(100_000) })
    const [code] = await once(live.socket, 'close')
    expect(code).toBe(1009)
  })

  test('opens for nobody without a key', async () => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/live`)
    const [, response] = await once(socket, 'unexpected-response')
    expect(response.statusCode).toBe(401)
    socket.on('error', () => {})
    socket.terminate()
  })
})
