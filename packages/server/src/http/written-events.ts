// Events as the bytes of a stream, written out once for all who are given the same: with many watchers, writing is most
// of the work, and most of the memory that is thrown away.
import type { JobEvent } from '@flowforge/protocol'
import { eventText } from '../live/event-text.ts'

/** For Server-Sent Events (HTML standard, 9.2). */
export const eventStreamText = onceForAll(events =>
  events.flatMap(event => [
    Buffer.from(`${event.seq === undefined ? '' : `id: ${event.seq}\n`}event: message\ndata: `),
    eventText(event),
    Buffer.from('\n\n'),
  ]),
)

/** For a WebSocket without extensions: a text message for each event (RFC 6455, 5.2). A server's are not masked. */
export const webSocketFrames = onceForAll(events =>
  events.flatMap(event => {
    const text = eventText(event)
    return [frameHead(text.length), text]
  }),
)

const FINAL_TEXT = 0x81

function frameHead(length: number): Buffer {
  if (length < 126) return Buffer.from([FINAL_TEXT, length])
  if (length < 65_536) return Buffer.from([FINAL_TEXT, 126, length >> 8, length & 0xff])
  const head = Buffer.alloc(10)
  head[0] = FINAL_TEXT
  head[1] = 127
  head.writeBigUInt64BE(BigInt(length), 2)
  return head
}

function onceForAll(write: (events: readonly JobEvent[]) => Buffer[]) {
  const written = new WeakMap<readonly JobEvent[], Buffer>()
  return (events: readonly JobEvent[]): Buffer => {
    const known = written.get(events)
    if (known) return known
    const bytes = Buffer.concat(write(events))
    written.set(events, bytes)
    return bytes
  }
}
