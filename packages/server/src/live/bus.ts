// The bus carries only "job J is at seq N" and live text deltas; subscribers read the rows. Those of this process hear it
// directly, others by a relay (NOTIFY or Redis); where there is one process alone, there is no relay.
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { z } from 'zod'
import type { Transaction } from '../store/database.ts'
import { createTeller } from '../store/notify.ts'

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
  /**
   * Reaches subscribers when the caller's transaction has committed. Lost when this process dies at that moment:
   * subscribers also look by themselves now and then.
   */
  announce(tx: Transaction, announcement: Announcement): Promise<void>
  /** May be lost; never waits. */
  sendDelta(delta: Delta): void
  onAnnouncement(handler: (announcement: Announcement) => void): () => void
  onDelta(handler: (delta: Delta) => void): () => void
  /** Something may have been missed: subscribers read again from their cursors. */
  onGap(handler: () => void): () => void
  close(): Promise<void>
}

/** Takes what is said to the other processes of the installation. Nothing is kept: who does not listen misses it. */
export interface Relay {
  /** In this order. Settles when they are sent, or lost. */
  send(messages: string[]): Promise<unknown>
  /** Also what this process has sent, if the relay can't tell. */
  onMessage(handler: (message: string) => void): void
  /** Messages may have been missed. */
  onGap(handler: () => void): void
  close(): Promise<void>
}

interface Signals {
  announcement: [Announcement]
  delta: [Delta]
  gap: []
}

/** Without a relay: this process alone. */
export function createBus(relay: Relay | null): Bus {
  const emitter = new EventEmitter<Signals>()
  emitter.setMaxListeners(0)
  const on =
    <Name extends keyof Signals>(name: Name) =>
    (handler: (...values: Signals[Name]) => void) => {
      const listener = handler as never
      emitter.on(name, listener)
      return () => void emitter.off(name, listener)
    }
  const outgoing = relay && createOutgoing(relay)
  relay?.onMessage(text => {
    const message = Message.safeParse(parseJson(text))
    if (!message.success || message.data.from === outgoing!.self) return
    if ('a' in message.data) emitter.emit('announcement', message.data.a)
    else emitter.emit('delta', message.data.d)
  })
  relay?.onGap(() => emitter.emit('gap'))
  return {
    announce: async (tx, announcement) => {
      tx.afterCommit(() => {
        emitter.emit('announcement', announcement)
        outgoing?.announce(announcement)
      })
    },
    sendDelta: delta => {
      emitter.emit('delta', delta)
      outgoing?.sendDelta(delta)
    },
    onAnnouncement: on('announcement'),
    onDelta: on('delta'),
    onGap: on('gap'),
    close: async () => {
      await outgoing?.close()
      await relay?.close()
    },
  }
}

const Message = z.union([
  z.object({
    from: z.string().optional(),
    a: z.object({ jobId: z.string(), organizationId: z.string(), seq: z.number() }),
  }),
  z.object({
    from: z.string().optional(),
    d: z.object({
      jobId: z.string(),
      organizationId: z.string(),
      attempt: z.number(),
      text: z.string(),
      parentToolUseId: z.string().optional(),
    }),
  }),
])

/** Whatever else speaks on this channel must not end the process. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the relay does not take in time is dropped, the oldest first: text that is live is worth nothing later. */
const MAX_UNSENT_DELTAS = 1000

/**
 * What waits while the relay sends: deltas in their order (on several connections at once the words of a sentence would
 * overtake each other), and of each job the newest announcement alone.
 */
function createOutgoing(relay: Relay) {
  const self = randomUUID()
  let deltas: Delta[] = []
  let announced = new Map<string, Announcement>()
  const teller = createTeller(() => {
    // Deltas first: the finished message takes their place, and nothing of it is to come after it.
    const messages = [
      ...deltas.map(d => JSON.stringify({ from: self, d })),
      ...[...announced.values()].map(a => JSON.stringify({ from: self, a })),
    ]
    deltas = []
    announced = new Map()
    return relay.send(messages)
  })
  return {
    self,
    announce: (announcement: Announcement): void => {
      // Two transactions of one job can end in the other order of their commits.
      const before = announced.get(announcement.jobId)?.seq ?? 0
      if (announcement.seq > before) announced.set(announcement.jobId, announcement)
      teller.tell()
    },
    sendDelta: (delta: Delta): void => {
      if (deltas.length >= MAX_UNSENT_DELTAS) deltas.shift()
      deltas.push(delta)
      teller.tell()
    },
    close: teller.close,
  }
}
