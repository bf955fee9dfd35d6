// The default doorbell: the jobs table itself is the queue. This process's claimers are woken directly, those of others by
// NOTIFY, both after the commit. A ring that is lost in between is made up for by the claimers' poll.
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import sql from 'sql-template-tag'
import type { AttemptSignal, Doorbell, RingAnswerer } from '../jobs/ports.ts'
import type { Listener } from '../store/listener.ts'
import { createTeller, notifyAll } from '../store/notify.ts'

const CHANNEL = 'flowforge_queue'

export interface PostgresDoorbell extends Doorbell {
  close(): Promise<void>
}

export function createPostgresDoorbell(listener: Listener, pool: pg.Pool): PostgresDoorbell {
  const claimers = new Set<RingAnswerer>()
  const self = randomUUID()
  const wakeAll = () => {
    for (const claimer of claimers) {
      // Nothing is kept to be heard again: the claimer's own poll is the floor.
      if (claimer.room() > 0) claimer.claim().catch(() => {})
    }
  }
  listener.on(CHANNEL, from => {
    if (from !== self) wakeAll()
  })
  listener.onReconnect(wakeAll)
  const others = createTeller(() => notifyAll(pool, CHANNEL, [self]))
  return {
    ring: async (tx, _jobIds, delayMs = 0) => {
      // A delayed one is the poll's.
      if (delayMs > 0) return
      tx.afterCommit(() => {
        wakeAll()
        others.tell()
      })
    },
    answer: claimer => {
      claimers.add(claimer)
      return { roomChanged: () => {}, stop: async () => void claimers.delete(claimer) }
    },
    close: others.close,
  }
}

const ATTEMPT_CHANNEL = 'flowforge_attempts'

/**
 * Of every queue, also where a broker rings: a cancel must reach its worker whether or not the broker lives. In the
 * transaction, since no poll is behind it but the renewal of leases.
 */
export function createPostgresAttemptSignal(listener: Listener): AttemptSignal {
  const handlers = new Set<(attemptId: string) => void>()
  listener.on(ATTEMPT_CHANNEL, attemptId => handlers.forEach(handler => void handler(attemptId)))
  return {
    send: async (tx, attemptId) => {
      await tx.run(sql`select pg_notify(${ATTEMPT_CHANNEL}, ${attemptId})`)
    },
    receive: handler => {
      handlers.add(handler)
      return () => void handlers.delete(handler)
    },
  }
}
