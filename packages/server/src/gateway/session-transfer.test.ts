// A saved conversation on its way through the runner API: whole or not at all.
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { MAX_SESSION_BYTES } from '@flowforge/protocol'
import { expect, test } from 'vitest'
import { createRunnerApi, type RunnerRecords } from './runner-api.ts'
import { ask, openSocket, TOKEN } from './test-scene.ts'

const SESSION = '11111111-1111-4111-8111-111111111111'
const path = `/runner/session?session=${SESSION}&through=3`

const openRunnerApi = async () => {
  const kept: { sessionId: string; throughMessage: number; content: Buffer }[] = []
  const failures: unknown[] = []
  const records: Partial<RunnerRecords> = {
    saveSession: async (_attempt, { sessionId, throughMessage, body }) => {
      const content = await buffer(body).catch(error => {
        failures.push(error)
        throw error
      })
      kept.push({ sessionId, throughMessage, content })
    },
    openSession: async () => (kept.length > 0 ? Readable.from([kept.at(-1)!.content]) : null),
  }
  const runner = createRunnerApi({
    records: records as RunnerRecords,
    orderOf: async () => undefined,
    settled: () => {},
  })
  const { socketPath } = await openSocket({ handlers: { runner } })
  const headers = { authorization: `Bearer ${TOKEN}` }
  return { kept, failures, socketPath, headers }
}

test('it is stored as it came, and given back the same', async () => {
  const { kept, socketPath, headers } = await openRunnerApi()
  expect((await ask(socketPath, { path: '/runner/session', headers })).status).toBe(404)
  const body = Buffer.from([0, 1, 2, 255])
  const put = await ask(socketPath, {
    path,
    method: 'PUT',
    body,
    headers: { ...headers, 'content-length': '4' },
  })
  expect(put.status).toBe(204)
  expect(kept).toEqual([{ sessionId: SESSION, throughMessage: 3, content: body }])
  expect((await ask(socketPath, { path: '/runner/session', headers })).body).toEqual(body)
})

test.each([
  ['of a session that is none', '/runner/session?session=../../x&through=0', '1', 400],
  ['without its place in the conversation', `/runner/session?session=${SESSION}&through=-1`, '1', 400],
  ['that is too large', path, String(MAX_SESSION_BYTES + 1), 413],
])('one %s is refused before anything is stored', async (_what, at, length, status) => {
  const { kept, socketPath, headers } = await openRunnerApi()
  const answer = await ask(socketPath, {
    path: at,
    method: 'PUT',
    headers: { ...headers, 'content-length': length },
    body: 'x',
  })
  expect(answer.status).toBe(status)
  expect(kept).toEqual([])
})

test('one that is cut on its way is not kept', async () => {
  const { kept, failures, socketPath } = await openRunnerApi()
  const socket = connect(socketPath)
  const head = [
    `PUT ${path} HTTP/1.1`,
    'host: gateway',
    `authorization: Bearer ${TOKEN}`,
    'content-length: 100',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\nonly the beginning`)
  socket.end()
  await expect.poll(() => failures.length).toBe(1)
  socket.destroy()
  expect(kept).toEqual([])
})
