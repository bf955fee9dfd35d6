// Carries the bus between processes by NOTIFY: nothing but the database is needed.
import type pg from 'pg'
import type { Listener } from '../store/listener.ts'
import { notifyAll } from '../store/notify.ts'
import type { Relay } from './bus.ts'

const CHANNEL = 'flowforge_live'
/** NOTIFY carries at most 8000 bytes: PostgreSQL documentation, sql-notify. A longer delta is dropped; its message follows. */
const MAX_MESSAGE_BYTES = 7900

export const createPostgresRelay = ({ listener, pool }: { listener: Listener; pool: pg.Pool }): Relay => ({
  send: messages =>
    notifyAll(
      pool,
      CHANNEL,
      messages.filter(message => Buffer.byteLength(message) <= MAX_MESSAGE_BYTES),
    ),
  onMessage: handler => listener.on(CHANNEL, handler),
  onGap: handler => listener.onReconnect(handler),
  close: async () => {},
})
