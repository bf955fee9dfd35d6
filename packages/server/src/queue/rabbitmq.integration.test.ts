import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { Connection } from 'rabbitmq-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { describeQueueContract, type QueueHarness } from './contract.ts'
import { createRabbitBroker } from './rabbitmq.ts'
import { type BrokerProcess, connectBroker, countConnectionsTo } from './testing-processes.ts'
import { startRabbit, type TestServer } from './testing-servers.ts'

const log = pino({ level: 'silent' })

/** Somebody with the management tools. */
const asAdministrator = async <T>(server: TestServer, act: (admin: Connection) => Promise<T>): Promise<T> => {
  const admin = new Connection(server.url.replace('//', '//guest:guest@'))
  admin.on('error', () => {})
  try {
    return await act(admin)
  } finally {
    await admin.close()
  }
}

describeQueueContract('RabbitMQ', async (): Promise<QueueHarness> => {
  const server = await startRabbit()
  const installationId = randomUUID()
  const open = new Set<BrokerProcess>()
  return {
    connect: async scene => {
      const broker = createRabbitBroker({ url: server.url, installationId, log })
      await broker.check()
      const process = await connectBroker(scene, broker)
      open.add(process)
      return process
    },
    connections: () => countConnectionsTo(server.port),
    breakConnections: async () => {
      await server.stop('SIGTERM')
      await server.start()
    },
    broker: {
      sweep: process => (process as BrokerProcess).doorbell.sweep(),
      lose: () =>
        asAdministrator(server, async admin => {
          await admin.queueDelete({ queue: `flowforge.${installationId}.rings.1` })
        }),
      stop: server.stop,
      start: server.start,
      freeze: () => server.signal('SIGSTOP'),
      thaw: () => server.signal('SIGCONT'),
    },
    close: server.close,
  }
})

describe('RabbitMQ as the broker', () => {
  test('that was killed just after its queue was made is rung again: the queue is made anew', async () => {
    const server = await startRabbit()
    onTestFinished(server.close)
    const broker = createRabbitBroker({ url: server.url, installationId: 'trap', log })
    onTestFinished(broker.close)
    expect(await broker.check()).toMatchObject({ ok: true })
    await server.stop()
    await server.start()
    await expect
      .poll(
        () =>
          broker.publish(['one']).then(
            () => 'told',
            () => 'not yet',
          ),
        { timeout: 100_000, interval: 200 },
      )
      .toBe('told')
    const heard = Promise.withResolvers<void>()
    broker.answer({ room: () => 1, claim: async () => heard.resolve() })
    await heard.promise
  }, 180_000)

  test('says who it is without its password, and what is wrong', async () => {
    const broker = createRabbitBroker({
      url: 'amqp://me:hunter2@127.0.0.1:1/there',
      installationId: 'x',
      log,
    })
    onTestFinished(broker.close)
    const check = await broker.check()
    expect(check).toEqual({
      ok: false,
      summary: 'RabbitMQ at 127.0.0.1:1/there',
      problem: expect.stringContaining('ECONNREFUSED'),
    })
    await expect(broker.publish(['one'])).rejects.toMatchObject({ code: 'broker_unavailable' })
    expect(JSON.stringify(check)).not.toContain('hunter2')
  })
})
