// RabbitMQ as the broker: one durable quorum queue for each installation, publisher confirms, an acknowledgement for each
// ring after the claim. Knows AMQP; what a ring is for, it does not know.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Logger } from 'pino'
import { Connection, type Publisher } from 'rabbitmq-client'
import { FlowForgeError } from '../errors.ts'
import type { Answering } from '../jobs/ports.ts'
import { type Broker, CLOSE_TIMEOUT_MS, MAX_WAITING_RINGS, PUBLISH_TIMEOUT_MS } from './broker.ts'
import { addressOf } from './broker-address.ts'
import { type Declaration, hearRings } from './rabbitmq-rings.ts'
import { TimeoutError, within } from './within.ts'

/** The client gives up on a connection after two of these without a word. */
const HEARTBEAT_SECONDS = 5
/** So many publishes in a row that nobody confirms, on a connection that lives: the queue has no leader. */
const UNCONFIRMED_LIMIT = 2

export function createRabbitBroker({
  url,
  installationId,
  log,
}: {
  url: string
  installationId: string
  log: Logger
}): Broker {
  const name = `RabbitMQ at ${addressOf(url)}`
  // The form of the arguments is part of the name: a queue can not be declared again with others.
  const queue = `flowforge.${installationId}.rings.1`
  const declaration: Declaration = {
    queue,
    durable: true,
    arguments: { 'x-queue-type': 'quorum', 'x-max-length': MAX_WAITING_RINGS, 'x-overflow': 'drop-head' },
  }
  const connection = new Connection({
    url: withDefaultLogin(url),
    connectionName: 'flowforge',
    heartbeat: HEARTBEAT_SECONDS,
    acquireTimeout: PUBLISH_TIMEOUT_MS,
    retryLow: 200,
    retryHigh: 2_000,
  })
  let trouble: string | null = null
  let wasConnected = false
  connection.on('connection', () => {
    if (wasConnected) log.info(`${name} is back`)
    wasConnected = true
    trouble = null
  })
  connection.on('error', error => {
    trouble = messageOf(error)
    if (wasConnected)
      log.warn({ problem: trouble }, `${name} is away: jobs are found by polling until it is back`)
  })
  connection.on('connection.blocked', reason => {
    trouble = `it takes nothing: ${reason}`
    log.warn(`${name} takes nothing (${reason}): jobs are found by polling until it does`)
  })
  connection.on('connection.unblocked', () => {
    trouble = null
  })

  /** Messages that came back because there is no such queue. */
  const returned = new Set<string>()
  const publisher: Publisher = connection.createPublisher({ confirm: true, queues: [declaration] })
  publisher.on('basic.return', ({ messageId }) => void returned.add(String(messageId)))

  const away = () => new FlowForgeError('broker_unavailable', `${name} can not be reached: ${trouble}.`)
  const connected = (): void => {
    if (!connection.ready) throw away()
  }
  /** Gives those that no queue took. */
  const send = async (jobIds: string[]): Promise<string[]> => {
    const byMessage = new Map(jobIds.map(id => [randomUUID(), id]))
    const sent = [...byMessage].map(([messageId, id]) =>
      publisher.send({ routingKey: queue, mandatory: true, durable: true, messageId }, id),
    )
    await within(PUBLISH_TIMEOUT_MS, Promise.all(sent))
    // A return is emitted a little after the confirmation that follows it on the wire.
    await new Promise(resolve => setImmediate(resolve))
    return [...byMessage].filter(([messageId]) => returned.delete(messageId)).map(([, id]) => id)
  }

  let unconfirmed = 0
  /**
   * A quorum queue whose only node was killed within a second of its making comes back without a leader, and stays so: it
   * can be declared, and confirms nothing (RabbitMQ 3.10). Made anew it works; the rings in it are rung anew by the sweep.
   */
  const mindLeaderless = async (): Promise<void> => {
    unconfirmed += 1
    if (unconfirmed < UNCONFIRMED_LIMIT || !connection.ready) return
    unconfirmed = 0
    log.warn({ queue }, `the queue confirms nothing and is made anew`)
    await within(3 * PUBLISH_TIMEOUT_MS, connection.queueDelete({ queue }))
    await within(PUBLISH_TIMEOUT_MS, connection.queueDeclare(declaration))
  }

  const answerings = new Set<Answering>()
  return {
    name,
    trouble: () => trouble,
    publish: async jobIds => {
      connected()
      try {
        const homeless = await send(jobIds)
        unconfirmed = 0
        if (homeless.length === 0) return
        // Deleted by hand: the publisher declares it at its start only.
        await within(PUBLISH_TIMEOUT_MS, connection.queueDeclare(declaration))
        if ((await send(homeless)).length > 0) throw new Error(`there is no queue ${queue}`)
      } catch (error) {
        if (error instanceof TimeoutError) await mindLeaderless().catch(() => {})
        throw new FlowForgeError('broker_unavailable', `${name} takes no rings: ${messageOf(error)}.`, {
          cause: error,
        })
      }
    },
    answer: claimer => {
      const answering = hearRings({ connection, declaration, claimer, log })
      answerings.add(answering)
      return {
        ...answering,
        stop: () => {
          answerings.delete(answering)
          return answering.stop()
        },
      }
    },
    waiting: async () => {
      connected()
      return (await within(PUBLISH_TIMEOUT_MS, connection.queueDeclare(declaration))).messageCount
    },
    check: async () => {
      try {
        if (trouble) return { ok: false, summary: name, problem: trouble }
        // At a start the client needs a moment; when that fails it says so once.
        if (!connection.ready)
          await once(connection, 'connection', { signal: AbortSignal.timeout(PUBLISH_TIMEOUT_MS) })
        const { messageCount, consumerCount } = await within(
          PUBLISH_TIMEOUT_MS,
          connection.queueDeclare(declaration),
        )
        return { ok: true, summary: `${name} (${messageCount} waiting, ${consumerCount} listening)` }
      } catch (error) {
        return { ok: false, summary: name, problem: trouble ?? messageOf(error) }
      }
    },
    close: async () => {
      const ending = [...answerings].map(answering => answering.stop())
      await within(CLOSE_TIMEOUT_MS, Promise.all([...ending, publisher.close()])).catch(() => {})
      await within(CLOSE_TIMEOUT_MS, connection.close()).catch(() => {})
      connection.unsafeDestroy()
    },
  }
}

const messageOf = (error: unknown): string =>
  (error as Error).message || String((error as NodeJS.ErrnoException).code ?? error)

/** An address without a login means guest, as with every client of RabbitMQ but this one. */
function withDefaultLogin(url: string): string {
  const parsed = new URL(url)
  if (!parsed.username) {
    parsed.username = 'guest'
    parsed.password = 'guest'
  }
  return parsed.href
}
