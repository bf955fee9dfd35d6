import { once } from 'node:events'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openAttemptListener, openAttemptSocket } from './attempt-socket.ts'
import {
  ask,
  makeAttempt,
  noHandlers,
  openSocket,
  readToEnd,
  sendRaw,
  silentLog,
  TOKEN,
  temporaryDirectory,
} from './test-scene.ts'

const greet = (_: unknown, res: ServerResponse) => void res.end('hello')
const basic = (password: string) => `Basic ${Buffer.from(`any:${password}`).toString('base64')}`

test.each([
  ['Bearer', { authorization: `Bearer ${TOKEN}` }],
  ['x-api-key', { 'x-api-key': TOKEN }],
  ['Basic, as Git sends it', { authorization: basic(TOKEN) }],
])('the token is taken as %s', async (_, headers) => {
  const { socketPath } = await openSocket({ handlers: { runner: greet } })
  expect((await ask(socketPath, { path: '/runner/events', headers })).text).toBe('hello')
})

test.each<[string, Record<string, string>]>([
  ['none', {}],
  ['another attempt’s', { authorization: 'Bearer token-of-another-attempt' }],
  ['a prefix', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
  ['the token as user name', { authorization: `Basic ${Buffer.from(`${TOKEN}:`).toString('base64')}` }],
  ['the token as proxy password', { 'proxy-authorization': basic(TOKEN) }],
  ['an empty one', { 'x-api-key': '' }],
])('a wrong token reaches no handler: %s', async (_, headers) => {
  const runner = vi.fn(greet)
  const { socketPath } = await openSocket({ handlers: { runner } })
  expect((await ask(socketPath, { path: '/runner/events', headers })).status).toBe(401)
  expect(runner).not.toHaveBeenCalled()
})

test('each protocol is refused in its own language, and a foreign token is reported once', async () => {
  const onDenied = vi.fn()
  const { socketPath } = await openSocket({ onDenied })
  const headers = { authorization: 'Bearer foreign' }
  const runner = await ask(socketPath, { path: '/runner/settle', headers })
  expect(JSON.parse(runner.text)).toMatchObject({ code: 'token_invalid' })
  const claude = await ask(socketPath, { path: '/claude/v1/messages', headers })
  expect(JSON.parse(claude.text)).toMatchObject({ type: 'error', error: { type: 'authentication_error' } })
  const git = await ask(socketPath, { path: '/git/repository.git/info/refs', headers })
  expect(git.headers['www-authenticate']).toMatch(/^Basic/)
  await ask(socketPath, { path: '/git/repository.git/info/refs', headers })
  expect(onDenied.mock.calls.map(([, denial]) => denial.what)).toEqual([
    'runner request',
    'claude request',
    'git request',
  ])
})

test('what follows the prefix goes to the handler untouched; other paths have none', async () => {
  const claude = vi.fn(greet)
  const { socketPath } = await openSocket({ handlers: { claude } })
  const attempt = expect.objectContaining({ attemptId: 'attempt-1' })
  await ask(socketPath, { path: '/claude/v1/../%2e/x?y=1' })
  expect(claude).toHaveBeenCalledWith(expect.anything(), expect.anything(), attempt, '/v1/../%2e/x?y=1')
  for (const path of ['/', '/claude', '/Claude/v1', '//claude/v1', '/metrics', '/api/v1/jobs', '*']) {
    expect((await ask(socketPath, { path, method: 'OPTIONS' })).status, path).toBe(404)
  }
})

test('the end of the lease ends open streams and refuses what comes after', async () => {
  const attempt = makeAttempt()
  const { socketPath } = await openSocket({
    attempt,
    handlers: { claude: (_, res) => void res.write('half'), runner: greet },
  })
  const stream = connect(socketPath)
  stream.write(`GET /claude/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`)
  await once(stream, 'data')
  attempt.end()
  await readToEnd(stream)

  const late = await ask(socketPath, { path: '/runner/settle' })
  expect(late.status).toBe(403)
  expect(JSON.parse(late.text)).toMatchObject({ code: 'lease_lost' })
  const claude = await ask(socketPath, { path: '/claude/v1/messages' })
  expect(claude.headers['x-should-retry']).toBe('false')
})

test('a handler that fails answers 500 in its protocol and the socket lives on', async () => {
  const { socketPath } = await openSocket({ handlers: { claude: () => Promise.reject(new Error('bug')) } })
  const reply = await ask(socketPath, { path: '/claude/v1/messages' })
  expect(reply.status).toBe(500)
  expect(JSON.parse(reply.text)).toMatchObject({ error: { type: 'api_error' } })
  expect(reply.text).not.toContain('bug')
  expect((await ask(socketPath, { path: '/nothing' })).status).toBe(404)
})

const AUTH = `Authorization: Bearer ${TOKEN}`
test.each([
  [
    'two lengths',
    `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /runner/x HTTP/1.1\r\n\r\n`,
  ],
  ['two different Content-Length', 'Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd'],
  ['an obscured Transfer-Encoding', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
  ['an unknown coding', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
  ['a folded header', 'X-A: b\r\n c: d\r\n\r\n'],
  ['a NUL in a header', 'X-A: b\0c\r\n\r\n'],
  ['a bare CR', 'X-A: b\rX-B: c\r\n\r\n'],
])('a request that can be read in two ways is refused: %s', async (_, rest) => {
  const runner = vi.fn(greet)
  const { socketPath } = await openSocket({ handlers: { runner } })
  const answer = await sendRaw(socketPath, `POST /runner/events HTTP/1.1\r\nHost: x\r\n${AUTH}\r\n${rest}`)
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(runner).not.toHaveBeenCalled()
})

test.each([
  ['noise', '\x16\x03\x01 nonsense\r\n\r\n', 400],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['endless headers', `GET / HTTP/1.1\r\nX: ${'a'.repeat(64 * 1024)}\r\n\r\n`, 431],
  ['a CONNECT without credentials', 'CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n', 407],
])('malformed input is answered and does no harm: %s', async (_, bytes, status) => {
  const { socketPath } = await openSocket({ handlers: { runner: greet } })
  expect(await sendRaw(socketPath, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect((await ask(socketPath, { path: '/runner/x' })).status).toBe(200)
})

test.each([
  ['sends nothing', ''],
  ['never ends its headers', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '],
  ['never ends its body', `POST /runner/x HTTP/1.1\r\nHost: x\r\n${AUTH}\r\nContent-Length: 9\r\n\r\nabc`],
])('a client that %s is let go', async (_, bytes) => {
  const { socketPath } = await openSocket({
    handlers: { runner: req => void req.resume() },
    limits: { headersTimeoutMs: 60, requestTimeoutMs: 120, checkIntervalMs: 20 },
  })
  expect(await sendRaw(socketPath, bytes)).toMatch(/^(HTTP\/1\.1 408 |$)/)
})

test('connections beyond the limit are closed at once', async () => {
  const { socketPath } = await openSocket({ handlers: { runner: greet }, limits: { maxConnections: 2 } })
  const held = [connect(socketPath), connect(socketPath)]
  await Promise.all(held.map(socket => once(socket, 'connect')))
  expect(await sendRaw(socketPath, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('')
  for (const socket of held) socket.destroy()
  await vi.waitFor(async () => expect((await ask(socketPath, { path: '/runner/x' })).status).toBe(200))
})

test('a client that closes its half is gone: its request ends with it', async () => {
  const closed = vi.fn()
  const { socketPath } = await openSocket({ handlers: { claude: (_, res) => void res.on('close', closed) } })
  const client = connect({ path: socketPath, allowHalfOpen: true })
  client.end(`GET /claude/x HTTP/1.1\r\nHost: x\r\n${AUTH}\r\n\r\n`)
  await readToEnd(client)
  await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce())
})

test('the directory lets the container’s user pass, its parent nobody', async () => {
  const parent = join(await temporaryDirectory(), 'gateway')
  const socket = await openSocket({ directory: join(parent, 'a') })
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777
  expect(await modeOf(parent)).toBe(0o700)
  expect(await modeOf(socket.directory)).toBe(0o755)
  expect(await modeOf(socket.socketPath)).toBe(0o666)
  await socket.remove()
  await expect(stat(socket.directory)).rejects.toThrow('ENOENT')
})

test('a restarted worker takes the directory over, and the old one’s end does not cut it off', async () => {
  const directory = join(await temporaryDirectory(), 'a')
  await mkdir(directory)
  await writeFile(join(directory, 'gateway.sock'), 'what a killed worker left')
  const old = await openSocket({ directory, handlers: { runner: (_, res) => void res.end('old') } })
  expect((await ask(old.socketPath, { path: '/runner/x' })).text).toBe('old')
  const next = await openSocket({ directory, handlers: { runner: (_, res) => void res.end('new') } })
  expect((await ask(old.socketPath, { path: '/runner/x' })).text).toBe('new')
  await old.close()
  expect((await ask(next.socketPath, { path: '/runner/x' })).text).toBe('new')
})

test('an old worker that ends while its successor opens does not cut it off, whichever step of either comes first', async () => {
  const { directory } = await openSocket({})
  for (let turn = 0; turn < 120; turn += 1) {
    const old = await openSocket({ directory })
    const opening = openSocket({ directory, handlers: { runner: (_, res) => void res.end('new') } })
    for (let step = 0; step < turn % 12; step += 1) await nextTurn()
    const [next] = await Promise.all([opening, old.close()])
    expect((await ask(next.socketPath, { path: '/runner/x' })).text).toBe('new')
    await next.close()
  }
})

test('a path that no socket can have is refused with what to do', async () => {
  const directory = join(await temporaryDirectory(), 'x'.repeat(100))
  const opening = openAttemptSocket({
    directory,
    attempt: makeAttempt(),
    handlers: noHandlers,
    log: silentLog,
  })
  await expect(opening).rejects.toThrow(/107.*shorter FLOWFORGE_DATA_DIR/)
})

const openListener = async (directory: string) => {
  const listener = await openAttemptListener({
    host: '127.0.0.1',
    directory,
    attempt: makeAttempt(),
    handlers: { ...noHandlers, runner: greet },
    log: silentLog,
  })
  onTestFinished(() => listener.remove())
  return listener
}

test('in network mode a restarted worker listens on the same port, for a container that knows no other', async () => {
  const directory = join(await temporaryDirectory(), 'a')
  const first = await openListener(directory)
  await expect(openListener(directory)).rejects.toMatchObject({ code: 'port_taken' })
  await first.close()
  expect((await openListener(directory)).port).toBe(first.port)
  await first.remove()
  await expect(stat(directory)).rejects.toThrow('ENOENT')
})

test('the network mode serves the same on a port', async () => {
  const { port } = await openListener(join(await temporaryDirectory(), 'a'))
  const url = `http://127.0.0.1:${port}/runner/x`
  expect((await fetch(url)).status).toBe(401)
  expect(await (await fetch(url, { headers: { 'x-api-key': TOKEN } })).text()).toBe('hello')
})
