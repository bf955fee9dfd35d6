// The container's only way out: listens on the loopback address and passes each TCP connection byte for byte to the
// gateway; in network mode another one stands between (`relay-main.ts`). Claude's API, Git and the egress proxy (also CONNECT) are all plain HTTP on it, so it needs to know none of them.
import { createServer, type Server, type Socket } from 'node:net'
import { dial, type GatewayAddress } from './dial.ts'

export interface Relay {
  port: number
  close(): Promise<void>
}

const MAX_HELD_BYTES = 1024 * 1024
/** Who hung up while the gateway was away for longer than this has given up, and tries again himself. */
const GIVEN_UP_MS = 2000

/** What a client sends before the gateway is there. Reading it is also the only way to notice that he hung up. */
const holdInput = (client: Socket) => {
  const held: Buffer[] = []
  let size = 0
  let ended = false
  const onData = (chunk: Buffer) => {
    held.push(chunk)
    size += chunk.length
    if (size > MAX_HELD_BYTES) client.pause()
  }
  const onEnd = () => {
    ended = true
  }
  client.on('data', onData)
  client.once('end', onEnd)
  return {
    get ended() {
      return ended
    },
    passOn: (gateway: Socket) => {
      client.off('data', onData)
      client.off('end', onEnd)
      for (const chunk of held.splice(0)) gateway.write(chunk)
      if (ended) gateway.end()
      else client.pipe(gateway)
    },
  }
}

const pass = async (client: Socket, address: GatewayAddress, patienceMs: number): Promise<void> => {
  const gone = new AbortController()
  client.setNoDelay(true)
  client.on('error', () => gone.abort())
  client.once('close', () => gone.abort())
  const input = holdInput(client)
  const startedAt = performance.now()
  try {
    const gateway = await dial(address, { patienceMs, signal: gone.signal })
    // Passing on the request of someone who is gone could cost money: a model would answer nobody.
    const givenUp = input.ended && performance.now() - startedAt > GIVEN_UP_MS
    if (givenUp || client.destroyed) {
      gateway.destroy()
      client.destroy()
      return
    }
    gateway.setNoDelay(true)
    gateway.on('error', () => client.destroy())
    // A break on one side ends both: the client decides himself about trying again. What came whole is delivered first.
    gateway.once('close', () => client.destroySoon())
    client.once('close', () => gateway.destroy())
    gateway.pipe(client)
    input.passOn(gateway)
  } catch {
    client.destroy()
  }
}

/** `patienceMs`: how long a connection is held while the gateway is away. */
export const startRelay = async (options: {
  address: GatewayAddress
  /** Default: the loopback address. */
  host?: string
  port: number
  patienceMs: number
}): Promise<Relay> => {
  const clients = new Set<Socket>()
  // A client may half-close its side after the request and still read the answer.
  const server: Server = createServer({ allowHalfOpen: true }, client => {
    clients.add(client)
    client.once('close', () => clients.delete(client))
    void pass(client, options.address, options.patienceMs)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host ?? '127.0.0.1', () => resolve())
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The relay has no port')
  const close = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      for (const client of clients) client.destroy()
    })
  return { port: address.port, close }
}
