// Processes of an installation with a broker, as the tests of queues connect them.
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { pino } from 'pino'
import type { Scene } from '../jobs/testing-scene.ts'
import { createDatabase } from '../store/database.ts'
import { createListener } from '../store/listener.ts'
import type { Broker } from './broker.ts'
import type { QueueProcess } from './contract.ts'
import { createOutboxDoorbell, type OutboxDoorbell } from './outbox.ts'
import { createPostgresAttemptSignal } from './postgres.ts'

export interface BrokerProcess extends QueueProcess {
  doorbell: OutboxDoorbell
  broker: Broker
}

export async function connectBroker(scene: Scene, broker: Broker): Promise<BrokerProcess> {
  const connection = { ...scene.test.appConfig, application_name: 'queue-process' }
  const [listener, database] = [await createListener(connection), createDatabase(connection)]
  const doorbell = createOutboxDoorbell({ database, broker, log: pino({ level: 'silent' }) })
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await doorbell.close()
    await listener.close()
    await database.close()
  }
  return {
    doorbell,
    broker,
    signal: createPostgresAttemptSignal(listener),
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

export async function countDatabaseConnections(scene: Scene): Promise<number> {
  const admin = new pg.Client(scene.test.superuserConfig)
  await admin.connect()
  const { rowCount } = await admin.query(
    `select from pg_stat_activity where application_name = 'queue-process' and datname = current_database()`,
  )
  await admin.end()
  return rowCount ?? 0
}

/** Established ones to this port of the loopback, by Linux's /proc: columns local, remote, state. */
export async function countConnectionsTo(port: number): Promise<number> {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n')
  return lines
    .map(line => line.trim().split(/\s+/))
    .filter(([, , to, state]) => to === remote && state === '01').length
}
