import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Relay, startRelay } from './relay.ts'

let directory: string
let socketPath: string
let relay: Relay
const servers: Server[] = []
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'flowforge-relay-'))
  socketPath = join(directory, 'gateway.sock')
  relay = await startRelay({ address: { socketPath }, port: 0, patienceMs: 5000 })
})
afterEach(async () => {
  await relay.close()
  for (const server of servers.splice(0)) server.close()
  rmSync(directory, { recursive: true })
})

const listen = (onConnection: (socket: Socket) => void) =>
  new Promise<void>(resolve => {
    const server = createServer({ allowHalfOpen: true }, socket => {
      socket.on('error', () => {})
      onConnection(socket)
    })
    servers.push(server)
    server.listen(socketPath, resolve)
  })

const readAll = (socket: Socket): Promise<string> =>
  new Promise(resolve => {
    let text = ''
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })

test('bytes pass both ways as they come, also after one side has finished', async () => {
  await listen(socket => {
    socket.once('data', chunk => socket.write(`first:${chunk}`))
    socket.once('end', () => socket.end(':after your end'))
  })
  const client = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true })
  const answer = readAll(client)
  client.write('hello')
  client.once('data', () => client.end())
  expect(await answer).toBe('first:hello:after your end')
})

test('a connection is held until the gateway is there, and nothing that was sent is lost', async () => {
  const client = connect({ port: relay.port, host: '127.0.0.1' })
  const answer = readAll(client)
  client.write('GET / HTTP/1.1\r\n\r\n')
  await new Promise<void>(resolve => client.once('connect', () => resolve()))
  await listen(socket => socket.once('data', chunk => socket.end(chunk)))
  expect(await answer).toBe('GET / HTTP/1.1\r\n\r\n')
})

test('a large answer arrives whole although the gateway closes right after it', async () => {
  const big = Buffer.alloc(8 * 1024 * 1024, 'x')
  await listen(socket => socket.end(big))
  const client = connect({ port: relay.port, host: '127.0.0.1' })
  expect((await readAll(client)).length).toBe(big.length)
})

test('a gateway that breaks off ends the connection', async () => {
  await listen(socket => socket.once('data', () => socket.destroy()))
  const client = connect({ port: relay.port, host: '127.0.0.1' })
  const answer = readAll(client)
  client.write('x')
  expect(await answer).toBe('')
})
