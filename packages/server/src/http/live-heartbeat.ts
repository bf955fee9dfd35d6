// Whether somebody is still at the other end of a WebSocket. TCP alone tells only after many minutes when the peer's
// machine or network is gone.
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'

const PING_MS = 20_000

/**
 * Ends the connection of a peer that gave no sign for two rounds. A sign is a pong, a message, or that it takes what waits
 * for it: on a slow line the ping stands behind all of that. Returns how to stop.
 */
export function watchPeer(socket: WebSocket, tcp: Socket, pingMs: number = PING_MS): () => void {
  let sign = true
  let waiting = 0
  let taken = 0
  const gaveSign = () => {
    sign = true
  }
  const timer = setInterval(() => {
    const takenNow = tcp.bytesWritten - tcp.writableLength
    if (waiting > 0 && takenNow > taken) sign = true
    if (!sign) return socket.terminate()
    sign = false
    waiting = tcp.writableLength
    taken = takenNow
    socket.ping()
  }, pingMs)
  socket.on('pong', gaveSign)
  socket.on('message', gaveSign)
  return () => clearInterval(timer)
}
