// A wire to a server that a test can pull: a TCP port that passes everything on until it is told to go silent (as a cut
// cable does: nothing comes, nobody closes), to break, or to lead elsewhere (as a virtual address does after a failover).
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net'

export interface Wire {
  port: number
  /** From now on nothing passes, in both directions; connections stay open, new ones too. */
  silence(): void
  /** What waited comes through now. */
  restore(): void
  /** Breaks every connection; the next one is passed on again. */
  cut(): void
  /** Breaks every connection and answers no new one until it is restored. */
  refuse(): void
  leadTo(target: NetConnectOpts): void
  close(): Promise<void>
}

export async function startWire(first: NetConnectOpts): Promise<Wire> {
  let target = first
  let silent = false
  let refusing = false
  const pairs = new Set<[Socket, Socket]>()
  const hush = (pair: [Socket, Socket]) => pair.forEach(socket => void socket.pause())
  const server = createServer(near => {
    if (refusing) return void near.destroy()
    const far = connect(target)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    join(near, far)
    join(far, near)
    if (silent) hush(pair)
    for (const socket of pair)
      socket.on('close', () => {
        pairs.delete(pair)
        // A dead end of a silent wire is not heard of at the other one.
        if (!silent) pair.forEach(end => void end.destroy())
      })
  })
  const cut = () => [...pairs].flat().forEach(socket => void socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    silence: () => {
      silent = true
      pairs.forEach(hush)
    },
    restore: () => {
      silent = false
      refusing = false
      for (const pair of pairs) {
        if (pair.some(socket => socket.destroyed)) pair.forEach(socket => void socket.destroy())
        else pair.forEach(socket => void socket.resume())
      }
    },
    cut,
    refuse: () => {
      refusing = true
      cut()
    },
    leadTo: next => {
      target = next
    },
    close: async () => {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}

/** Not `pipe`, which would start a paused socket again when the other one drains. */
function join(from: Socket, to: Socket): void {
  from.on('error', () => {})
  from.on('data', chunk => void to.write(chunk))
  from.on('end', () => void to.end())
}
