// The bytes of a CONNECT once it is allowed: looks at the TLS ClientHello before anything goes out, then pumps both
// ways within limits. Must not know why a host is allowed.
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { readClientHello } from './client-hello.ts'

export type PeekedHello =
  | { ok: true; bytes: Buffer; serverName: string | undefined }
  | { ok: false; why: 'not_tls' | 'closed' | 'too_slow' }

/** Reads until the ClientHello is whole and no further; `bytes` is all that was read and is still to be sent on. */
export function peekClientHello(socket: Duplex, head: Buffer, timeoutMs: number): Promise<PeekedHello> {
  return new Promise(resolve => {
    let bytes = Buffer.alloc(0)
    const done = (result: PeekedHello) => {
      clearTimeout(timer)
      socket.pause()
      socket.off('data', onData).off('end', onEnd).off('close', onEnd)
      resolve(result)
    }
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const hello = readClientHello(bytes)
      if (hello.state === 'complete') done({ ok: true, bytes, serverName: hello.serverName })
      else if (hello.state === 'invalid') done({ ok: false, why: 'not_tls' })
    }
    const onEnd = () => done({ ok: false, why: 'closed' })
    const timer = setTimeout(() => done({ ok: false, why: 'too_slow' }), timeoutMs)
    socket.on('data', onData).on('end', onEnd).on('close', onEnd)
    if (socket.destroyed) onEnd()
    else if (head.length > 0) onData(head)
  })
}

/** How long a client may take to read the last bytes after the far side has closed. */
const LINGER_MS = 10_000

/** Resolves when both sides are closed. `count` is told of every chunk, and ends the tunnel by returning false. */
export function pump(
  client: Duplex,
  remote: Socket,
  { idleTimeoutMs, count }: { idleTimeoutMs: number; count: (bytes: number) => boolean },
): Promise<void> {
  const end = () => {
    client.destroy()
    remote.destroy()
  }
  const meter = (chunk: Buffer) => {
    if (!count(chunk.length)) end()
  }
  // Everything passes through the remote socket, in one direction or the other: its silence is the tunnel's.
  remote.setTimeout(idleTimeoutMs, end)
  client.on('data', meter).on('error', end)
  remote.on('data', meter).on('error', end)
  // A side that has said all it wants can still listen: pipe passes its end on, and the other way stays open.
  client.pipe(remote)
  remote.pipe(client)
  return new Promise(resolve => {
    client.once('close', () => {
      remote.destroy()
      clearTimeout(linger)
      if (remote.closed) resolve()
    })
    let linger: NodeJS.Timeout | undefined
    remote.once('close', () => {
      if (client.closed) return resolve()
      client.once('close', () => resolve())
      linger = setTimeout(() => client.destroy(), LINGER_MS)
      client.end(() => client.destroy())
    })
  })
}
