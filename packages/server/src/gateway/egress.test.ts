import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createEgressProxy, type EgressProxyOptions } from './egress.ts'
import {
  ask,
  makeAttempt,
  openSocket,
  readToEnd,
  sendRaw,
  silentLog,
  startUpstream,
  TOKEN,
} from './test-scene.ts'

const PUBLIC = '93.184.216.34'
const PROXY_AUTH = { 'proxy-authorization': `Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}` }

/** A proxy whose public addresses all lead to one local peer. */
async function openEgress(
  peerPort: number,
  options: Partial<EgressProxyOptions> & { egressAllow?: string[] } = {},
) {
  const { egressAllow = ['allowed.example'], ...rest } = options
  const blocked: { host: string; port: number; reason: string }[] = []
  const dialled: string[] = []
  const attempt = makeAttempt({ egressAllow })
  const egress = createEgressProxy({
    trustedHosts: [],
    log: silentLog,
    onBlocked: (_, what) => blocked.push(what),
    resolve: async () => [PUBLIC],
    dial: async ({ address, port }) => {
      dialled.push(`${address}:${port}`)
      const socket = connectTcp({ port: peerPort, host: '127.0.0.1', allowHalfOpen: true })
      await once(socket, 'connect')
      return socket
    },
    ...rest,
  })
  const { socketPath } = await openSocket({ attempt, handlers: { egress } })
  return { socketPath, attempt, blocked, dialled }
}

async function openTunnel(socketPath: string, authority: string) {
  const req = request({
    socketPath,
    method: 'CONNECT',
    path: authority,
    headers: PROXY_AUTH,
    agent: false,
  }).end()
  const [res, socket, head] = (await once(req, 'connect')) as [IncomingMessage, Socket, Buffer]
  return { status: res.statusCode, headers: res.headers, socket, head }
}

const PSK = { psk: Buffer.alloc(32, 7), identity: 'test' }
const TLS_OPTIONS = { ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } as const

/** A TLS peer without a certificate: both sides know a key. */
async function startTlsPeer(
  onSecure: (socket: TLSSocket) => void = socket => socket.pipe(socket),
): Promise<number> {
  const server = createTlsServer({ ...TLS_OPTIONS, pskCallback: () => PSK.psk }, onSecure)
  const sockets = new Set<Socket>()
  server.on('connection', socket => sockets.add(socket)).on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const speakTls = (socket: Socket, servername: string) =>
  connectTls({
    ...TLS_OPTIONS,
    socket,
    servername,
    pskCallback: () => PSK,
    checkServerIdentity: () => undefined,
  })

/** A peer that only notes whether anything reached it. */
async function startSilentPeer() {
  const received: Buffer[] = []
  const server = createServer(socket =>
    socket.on('data', chunk => received.push(chunk)).on('error', () => {}),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, received }
}

test('an allowed host is reached by TLS, at the address that was checked', async () => {
  const { socketPath, dialled, blocked } = await openEgress(await startTlsPeer())
  const tunnel = await openTunnel(socketPath, 'allowed.example:443')
  expect(tunnel.status).toBe(200)
  const tls = speakTls(tunnel.socket, 'allowed.example')
  await once(tls, 'secureConnect')
  tls.write('through the tunnel')
  expect(String((await once(tls, 'data'))[0])).toBe('through the tunnel')
  tls.destroy()
  expect(dialled).toEqual([`${PUBLIC}:443`])
  expect(blocked).toEqual([])
})

test('a side that has ended still hears the other out', async () => {
  const port = await startTlsPeer(socket => {
    let asked = ''
    socket.on('data', chunk => {
      asked += chunk
    })
    socket.on('end', () => socket.end(`heard ${asked.length}`))
  })
  const { socketPath } = await openEgress(port)
  const { socket } = await openTunnel(socketPath, 'allowed.example:443')
  const tls = speakTls(socket, 'allowed.example')
  tls.end('x'.repeat(100_000))
  expect(await readToEnd(tls)).toBe('heard 100000')
})

test('a refusal tells the agent whom to ask, and is reported once', async () => {
  const { socketPath, blocked, dialled } = await openEgress(9, {
    resolve: () => Promise.reject(new Error('asked')),
  })
  const connecting = `CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${PROXY_AUTH['proxy-authorization']}\r\n\r\n`
  const answer = await sendRaw(socketPath, connecting)
  await sendRaw(socketPath, connecting)
  expect(answer).toMatch(/^HTTP\/1\.1 403 /)
  expect(answer).toContain('x-flowforge-refusal: not_on_allowlist')
  expect(answer).toContain(
    "refused by policy: FlowForge does not allow this job to reach evil.example. Ask the repository's owner to allow it: flowforge repo allow sample evil.example",
  )
  expect(blocked).toEqual([{ host: 'evil.example', port: 443, reason: 'not_on_allowlist' }])
  expect(dialled).toEqual([])
})

test.each([
  ['allowed.example:22', 403, 'port_not_allowed'],
  ['allowed.example:25', 403, 'port_not_allowed'],
  ['2130706433:443', 403, 'ip_literal'],
  ['[::ffff:7f00:1]:443', 403, 'ip_literal'],
  ['allowed.example.evil.com:443', 403, 'not_on_allowlist'],
  ['allowed.example', 400, 'malformed'],
  ['http://allowed.example:443', 400, 'malformed'],
])('CONNECT %s is refused with %i', async (authority, status, reason) => {
  const { socketPath, blocked, dialled } = await openEgress(9)
  const answer = await sendRaw(
    socketPath,
    `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${PROXY_AUTH['proxy-authorization']}\r\n\r\n`,
  )
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(blocked).toMatchObject([{ reason }])
  expect(dialled).toEqual([])
})

test.each([
  'CONNECT evil\0.allowed.example:443 HTTP/1.1\r\nHost: x\r\n',
  'CONNECT  HTTP/1.1\r\nHost: x\r\n',
  'CONNECT allowed.example:443 HTTP/9.9\r\nHost: x\r\n',
])('a CONNECT that can not be read is refused: %j', async line => {
  const { socketPath, dialled } = await openEgress(9)
  const answer = await sendRaw(
    socketPath,
    `${line}Proxy-Authorization: ${PROXY_AUTH['proxy-authorization']}\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(dialled).toEqual([])
})

test('the token in the wrong place opens nothing', async () => {
  const { socketPath, dialled } = await openEgress(9)
  const answer = await sendRaw(
    socketPath,
    `CONNECT allowed.example:443 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 407 (.|\n|\r)*Proxy-Authenticate: Basic/)
  expect(dialled).toEqual([])
})

test.each([
  ['a private one', ['10.0.0.1']],
  ['a private one among public ones', [PUBLIC, '127.0.0.1']],
  ['the metadata service', ['169.254.169.254']],
  ['a mapped one', ['::ffff:10.0.0.1']],
])('a name with such an address is refused: %s', async (_, addresses) => {
  const { socketPath, blocked, dialled } = await openEgress(9, { resolve: async () => addresses })
  expect((await openTunnel(socketPath, 'allowed.example:443')).status).toBe(403)
  expect(blocked).toMatchObject([{ reason: 'private_address' }])
  expect(dialled).toEqual([])
})

test('a name server that changes its answer after the check changes nothing', async () => {
  const resolve = vi.fn(async () => ['127.0.0.1']).mockResolvedValueOnce([PUBLIC])
  const { socketPath, dialled } = await openEgress(await startTlsPeer(), { resolve })
  const { socket } = await openTunnel(socketPath, 'allowed.example:443')
  const tls = speakTls(socket, 'allowed.example')
  await once(tls, 'secureConnect')
  tls.destroy()
  expect(resolve).toHaveBeenCalledOnce()
  expect(dialled).toEqual([`${PUBLIC}:443`])
  expect((await openTunnel(socketPath, 'allowed.example:443')).status).toBe(403)
})

test.each<[string, string, (socket: Socket) => void]>([
  [
    'another name inside',
    'sni_mismatch',
    socket => void speakTls(socket, 'evil.example').on('error', () => {}),
  ],
  [
    'no name inside',
    'sni_mismatch',
    socket => void connectTls({ socket, servername: '' }).on('error', () => {}),
  ],
  [
    'plain HTTP inside',
    'not_tls',
    socket => void socket.write('GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n'),
  ],
  ['SSH inside', 'not_tls', socket => void socket.write('SSH-2.0-x\r\n')],
])('a tunnel to an allowed host carries TLS to that host alone: %s', async (_, reason, speak) => {
  const peer = await startSilentPeer()
  const { socketPath, blocked } = await openEgress(peer.port)
  const { socket } = await openTunnel(socketPath, 'allowed.example:443')
  speak(socket)
  await readToEnd(socket)
  expect(blocked).toEqual([{ host: 'allowed.example', port: 443, reason }])
  expect(peer.received).toEqual([])
})

test('what the client sends before it is answered is checked as well', async () => {
  const peer = await startSilentPeer()
  const { socketPath, blocked } = await openEgress(peer.port)
  await sendRaw(
    socketPath,
    `CONNECT allowed.example:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${PROXY_AUTH['proxy-authorization']}\r\n\r\nSSH-2.0-eager\r\n`,
  )
  expect(blocked).toMatchObject([{ reason: 'not_tls' }])
  expect(peer.received).toEqual([])
})

test('a client that opens a tunnel and says nothing is let go', async () => {
  const peer = await startSilentPeer()
  const { socketPath } = await openEgress(peer.port, { limits: { connectTimeoutMs: 60 } })
  const { socket } = await openTunnel(socketPath, 'allowed.example:443')
  expect(await readToEnd(socket)).toBe('')
})

test('a tunnel in which nothing moves is closed', async () => {
  const { socketPath } = await openEgress(await startTlsPeer(), { limits: { idleTimeoutMs: 80 } })
  const { socket } = await openTunnel(socketPath, 'allowed.example:443')
  await readToEnd(speakTls(socket, 'allowed.example'))
})

test('an attempt’s tunnels end with its lease', async () => {
  const { socketPath, attempt } = await openEgress(await startTlsPeer())
  const { socket } = await openTunnel(socketPath, 'allowed.example:443')
  const tls = speakTls(socket, 'allowed.example')
  await once(tls, 'secureConnect')
  attempt.end()
  await readToEnd(tls)
  expect((await openTunnel(socketPath, 'allowed.example:443')).status).toBe(403)
})

test('tunnels and bytes of an attempt are bounded', async () => {
  const port = await startTlsPeer()
  const { socketPath, blocked } = await openEgress(port, { limits: { maxConnections: 1, maxBytes: 5_000 } })
  const { socket } = await openTunnel(socketPath, 'allowed.example:443')
  expect((await openTunnel(socketPath, 'allowed.example:443')).status).toBe(403)
  expect(blocked).toMatchObject([{ reason: 'limit_reached' }])
  const tls = speakTls(socket, 'allowed.example')
  tls.write('x'.repeat(20_000))
  await readToEnd(tls)
  expect((await openTunnel(socketPath, 'allowed.example:443')).status).toBe(403)
})

test('a check that fails is no permission', async () => {
  const attempt = makeAttempt()
  Object.defineProperty(attempt, 'egressAllow', {
    get: () => {
      throw new Error('no list')
    },
  })
  const blocked = vi.fn()
  const egress = createEgressProxy({ trustedHosts: [], log: silentLog, onBlocked: blocked })
  const { socketPath } = await openSocket({ attempt, handlers: { egress } })
  expect((await openTunnel(socketPath, 'allowed.example:443')).status).toBe(403)
  expect(blocked).toHaveBeenCalledWith(attempt, expect.objectContaining({ reason: 'policy_error' }))
})

test('an allowed host that is not there is no refusal', async () => {
  const unresolved = await openEgress(9, { resolve: () => Promise.reject(new Error('ENOTFOUND')) })
  expect((await openTunnel(unresolved.socketPath, 'allowed.example:443')).status).toBe(502)
  const unreachable = await openEgress(9, { dial: () => Promise.reject(new Error('ECONNREFUSED')) })
  expect((await openTunnel(unreachable.socketPath, 'allowed.example:443')).status).toBe(502)
  expect([...unresolved.blocked, ...unreachable.blocked]).toEqual([])
})

test('plain HTTP goes out in absolute form, without the token and to the host that was checked', async () => {
  const upstream = await startUpstream((res, _, body) => {
    res.writeHead(201, { 'x-there': 'yes', connection: 'close, x-hop', 'x-hop': 'secret' }).end(`got ${body}`)
  })
  const { socketPath, dialled } = await openEgress(upstream.port)
  const reply = await ask(socketPath, {
    method: 'POST',
    path: 'http://Allowed.example/a/../b?c=d',
    headers: { ...PROXY_AUTH, host: 'evil.example', connection: 'x-mine', 'x-mine': 'hop', 'x-kept': 'a' },
    body: 'hello',
  })
  expect([reply.status, reply.text]).toEqual([201, 'got hello'])
  expect(reply.headers).toMatchObject({ 'x-there': 'yes' })
  expect(reply.headers['x-hop']).toBeUndefined()
  expect(dialled).toEqual([`${PUBLIC}:80`])
  const [seen] = upstream.requests
  expect(seen).toMatchObject({ method: 'POST', url: '/a/../b?c=d' })
  expect(seen!.headers).toMatchObject({ host: 'allowed.example', 'x-kept': 'a' })
  expect(JSON.stringify(seen!.headers)).not.toContain(PROXY_AUTH['proxy-authorization'])
  expect(seen!.headers['x-mine']).toBeUndefined()
})

test('a redirect to a private address is the client’s to follow, and refused when it does', async () => {
  const upstream = await startUpstream(res => {
    res.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end()
  })
  const { socketPath, blocked } = await openEgress(upstream.port)
  const first = await ask(socketPath, { path: 'http://allowed.example/', headers: PROXY_AUTH })
  expect(first.status).toBe(302)
  const second = await ask(socketPath, { path: first.headers.location!, headers: PROXY_AUTH })
  expect(second.status).toBe(403)
  expect(second.headers['x-flowforge-refusal']).toBe('ip_literal')
  expect(blocked).toMatchObject([{ host: '169.254.169.254', reason: 'ip_literal' }])
})

test.each([
  ['https://allowed.example/', 400],
  ['ftp://allowed.example/', 400],
  ['http://allowed.example:8080/', 403],
  ['http://allowed.example:443/', 403],
  ['http://user:pw@allowed.example/', 400],
  ['http://evil.example@allowed.example/', 400],
  ['http://evil.example/', 403],
  ['http:///', 400],
])('%s is refused with %i', async (path, status) => {
  const { socketPath, dialled } = await openEgress(9)
  expect((await ask(socketPath, { path, headers: PROXY_AUTH })).status).toBe(status)
  expect(dialled).toEqual([])
})

test('a host that breaks off is a 502, and half an answer does not look whole', async () => {
  const silent = await startUpstream(res => void res.destroy())
  const { socketPath } = await openEgress(silent.port)
  expect((await ask(socketPath, { path: 'http://allowed.example/', headers: PROXY_AUTH })).status).toBe(502)
  const half = await startUpstream(res => {
    res.writeHead(200, { 'content-length': '10' })
    res.write('half', () => res.destroy())
  })
  const egress = await openEgress(half.port)
  await expect(
    ask(egress.socketPath, { path: 'http://allowed.example/', headers: PROXY_AUTH }),
  ).rejects.toThrow()
})

test('a trusted local peer is reached for real when it is on the allowlist, too', async () => {
  const upstream = await startUpstream(res => void res.end('local'))
  const egress = createEgressProxy({ trustedHosts: [`127.0.0.1:${upstream.port}`], log: silentLog })
  const reach = async (egressAllow: string[]) => {
    const { socketPath } = await openSocket({ attempt: makeAttempt({ egressAllow }), handlers: { egress } })
    return (await ask(socketPath, { path: `${upstream.url}/`, headers: PROXY_AUTH })).status
  }
  expect(await reach(['127.0.0.1'])).toBe(200)
  expect(await reach([])).toBe(403)
})
