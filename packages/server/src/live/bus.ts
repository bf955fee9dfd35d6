// The bus carries only "job J is at seq N" and live text deltas between processes; subscribers read the rows.
// Over Postgres NOTIFY: server and worker may be one process or many.
import { EventEmitter } from 'node:events'
import sql from 'sql-template-tag'
import { z } from 'zod'
import type { Transaction } from '../store/database.ts'
import type { Listener } from '../store/listener.ts'

export interface Announcement {
  jobId: string
  organizationId: string
  seq: number
}
export interface Delta {
  jobId: string
  organizationId: string
  attempt: number
  text: string
  parentToolUseId?: string
}

export interface Bus {
  /** Reaches subscribers when the caller's transaction has committed. */
  announce(tx: Transaction, announcement: Announcement): Promise<void>
  /** May be lost; never waits. */
  sendDelta(delta: Delta): void
  onAnnouncement(handler: (announcement: Announcement) => void): () => void
  onDelta(handler: (delta: Delta) => void): () => void
  /** Something may have been missed: subscribers read again from their cursors. */
  onGap(handler: () => void): () => void
}

interface Signals {
  announcement: [Announcement]
  delta: [Delta]
  gap: []
}

function createSignals() {
  const emitter = new EventEmitter<Signals>()
  emitter.setMaxListeners(0)
  const on =
    <Name extends keyof Signals>(name: Name) =>
    (handler: (...values: Signals[Name]) => void) => {
      const listener = handler as never
      emitter.on(name, listener)
      return () => void emitter.off(name, listener)
    }
  return { emitter, onAnnouncement: on('announcement'), onDelta: on('delta'), onGap: on('gap') }
}

const CHANNEL = 'flowforge_live'
/** Whatever else speaks on this channel of the database must not end the process. */
function parseJson(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined
  }
}

/** NOTIFY carries at most 8000 bytes: PostgreSQL documentation, sql-notify. A longer delta is dropped; its message follows. */
const MAX_PAYLOAD_BYTES = 7900

const Payload = z.union([
  z.object({ a: z.object({ jobId: z.string(), organizationId: z.string(), seq: z.number() }) }),
  z.object({
    d: z.object({
      jobId: z.string(),
      organizationId: z.string(),
      attempt: z.number(),
      text: z.string(),
      parentToolUseId: z.string().optional(),
    }),
  }),
])

export function createPostgresBus({
  listener,
  send,
}: {
  listener: Listener
  /** Settles when it is sent, or lost. */
  send: (channel: string, payload: string) => Promise<unknown>
}): Bus {
  const { emitter, ...subscriptions } = createSignals()
  const sendInOrder = createOrder(payload => send(CHANNEL, payload))
  listener.on(CHANNEL, payload => {
    const message = Payload.safeParse(parseJson(payload))
    if (!message.success) return
    if ('a' in message.data) emitter.emit('announcement', message.data.a)
    else emitter.emit('delta', message.data.d)
  })
  listener.onReconnect(() => emitter.emit('gap'))
  return {
    ...subscriptions,
    announce: async (tx, announcement) => {
      await tx.run(sql`select pg_notify(${CHANNEL}, ${JSON.stringify({ a: announcement })})`)
    },
    sendDelta: delta => {
      const payload = JSON.stringify({ d: delta })
      if (Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES) sendInOrder(payload)
    },
  }
}

/** What the database does not take in time is dropped, the oldest first: text that is live is worth nothing later. */
const MAX_UNSENT = 1000

/** One at a time: on several connections at once the words of a sentence would overtake each other. */
function createOrder(send: (payload: string) => Promise<unknown>): (payload: string) => void {
  const unsent: string[] = []
  let sending = false
  const run = async (): Promise<void> => {
    sending = true
    for (let payload = unsent.shift(); payload !== undefined; payload = unsent.shift())
      await send(payload).catch(() => {})
    sending = false
  }
  return payload => {
    if (unsent.length >= MAX_UNSENT) unsent.shift()
    unsent.push(payload)
    if (!sending) void run()
  }
}
