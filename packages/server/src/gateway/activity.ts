// Signs of life of a container: what it reports, and every byte of its transfers. A number that changes with each; that
// its runner asks for commands says nothing, since it does that whatever else hangs.
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'

export interface Activity {
  sign(): void
  /** Bytes on this connection count until `exchange` closes. */
  during(connection: Duplex, exchange: EventEmitter): void
  value(): number
}

export function createActivity(): Activity {
  let signs = 0
  const open = new Set<Duplex>()
  return {
    sign: () => {
      signs += 1
    },
    during: (connection, exchange) => {
      signs += 1
      open.add(connection)
      exchange.once('close', () => {
        open.delete(connection)
        signs += 1
      })
    },
    value: () => [...open].reduce((sum, connection) => sum + bytesOf(connection), signs),
  }
}

/** A tunnel is told of as any stream; underneath it is a socket. */
const bytesOf = (connection: Duplex & { bytesRead?: number; bytesWritten?: number }): number =>
  (connection.bytesRead ?? 0) + (connection.bytesWritten ?? 0)
