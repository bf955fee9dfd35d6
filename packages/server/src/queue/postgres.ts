// The default doorbell: NOTIFY in the submitting transaction. The jobs table itself is the queue.
import sql from 'sql-template-tag'
import type { AttemptSignal, Doorbell } from '../jobs/ports.ts'
import type { Listener } from '../store/listener.ts'

const CHANNEL = 'flowforge_queue'

export function createPostgresDoorbell(listener: Listener): Doorbell {
  const wakes = new Set<() => void>()
  const wakeAll = () => wakes.forEach(wake => void wake())
  listener.on(CHANNEL, wakeAll)
  listener.onReconnect(wakeAll)
  return {
    ring: async tx => {
      await tx.run(sql`select pg_notify(${CHANNEL}, '')`)
    },
    answer: wake => {
      wakes.add(wake)
      return () => void wakes.delete(wake)
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
