import { createDatabase } from '../store/database.ts'
import { createListener } from '../store/listener.ts'
import { describeQueueContract, type QueueHarness } from './contract.ts'
import { createPostgresAttemptSignal, createPostgresDoorbell } from './postgres.ts'
import { countDatabaseConnections } from './testing-processes.ts'

describeQueueContract(
  'Postgres',
  async (): Promise<QueueHarness> => ({
    connect: async scene => {
      const connection = { ...scene.test.appConfig, application_name: 'queue-process' }
      const [listener, database] = [await createListener(connection), createDatabase(connection)]
      const doorbell = createPostgresDoorbell(listener, database.pool)
      return {
        doorbell,
        signal: createPostgresAttemptSignal(listener),
        close: async () => {
          await doorbell.close()
          await listener.close()
          await database.close()
        },
      }
    },
    connections: countDatabaseConnections,
    breakConnections: scene => scene.breakConnections(),
    close: async () => {},
  }),
)
