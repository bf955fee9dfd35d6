// The container's only way out: listens on the loopback address and passes each TCP connection byte for byte to the
// gateway. Claude's API, Git and the egress proxy (also CONNECT) are all plain HTTP on it, so it needs to know none of them.
import { createServer, type Server, type Socket } from 'node:net'
import { dial, type GatewayAddress } from './dial.ts'

export interface Relay {
  port: number
  close(): Promise<void>
}

const pass = async (client: Socket, address: GatewayAddress, patienceMs: number): Promise<void> => {
  const gone = new AbortController()
  client.setNoDelay(true)
  client.on('error', () => gone.abort())
  // `close` and not `end`: a client may half-close its side after the request and still read the answer.
  client.once('close', () => gone.abort())
  try {
    const gateway = await dial(address, { patienceMs, signal: gone.signal })
    gateway.setNoDelay(true)
    gateway.on('error', () => client.destroy())
    // A break on one side ends both: the client decides itself about trying again. What came whole is delivered first.
    gateway.once('close', () => client.destroySoon())
    client.once('close', () => gateway.destroy())
    client.pipe(gateway)
    gateway.pipe(client)
  } catch {
    client.destroy()
  }
}

/** `patienceMs`: how long a connection is held while the gateway is away. */
export const startRelay = async (options: {
  address: GatewayAddress
  port: number
  patienceMs: number
}): Promise<Relay> => {
  const clients = new Set<Socket>()
  // Half-open connections are kept: HTTP/1.0 style clients close their sending side first.
  const server: Server = createServer({ allowHalfOpen: true }, client => {
    clients.add(client)
    client.once('close', () => clients.delete(client))
    void pass(client, options.address, options.patienceMs)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', () => resolve())
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
