// The default doorbell: NOTIFY in the submitting transaction. The jobs table itself is the queue.
import sql from 'sql-template-tag'
import type { AttemptSignal, Doorbell, RingAnswerer } from '../jobs/ports.ts'
import type { Listener } from '../store/listener.ts'

const CHANNEL = 'flowforge_queue'

export function createPostgresDoorbell(listener: Listener): Doorbell {
  const claimers = new Set<RingAnswerer>()
  const wakeAll = () => {
    for (const claimer of claimers) {
      // Nothing to be heard again: the claimer's own poll is the floor.
      if (claimer.hasRoom()) claimer.claim().catch(() => {})
    }
  }
  listener.on(CHANNEL, wakeAll)
  listener.onReconnect(wakeAll)
  return {
    ring: async (tx, _jobIds, delayMs = 0) => {
      if (delayMs === 0) await tx.run(sql`select pg_notify(${CHANNEL}, '')`)
    },
    answer: claimer => {
      claimers.add(claimer)
      return { roomChanged: () => {}, stop: async () => void claimers.delete(claimer) }
    },
  }
}

const ATTEMPT_CHANNEL = 'flowforge_attempts'

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
