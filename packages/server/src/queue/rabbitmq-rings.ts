// Hears the rings that wait in RabbitMQ's queue, while its claimer has room.
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { type Connection, type Consumer, ConsumerStatus } from 'rabbitmq-client'
import type { Answering, RingAnswerer } from '../jobs/ports.ts'
import { CLOSE_TIMEOUT_MS, REPEAT_MS } from './broker.ts'
import { within } from './within.ts'

/** Rings that one claimer may hold at a time: each is a reason to claim, and one claim takes many jobs. */
const MAX_PREFETCH = 50

/** What `queueDeclare` takes. */
export type Declaration = Exclude<Parameters<Connection['queueDeclare']>[0], string | undefined> & {
  queue: string
}

/** Consumes while there is room: what a full claimer would hold, another one gets at once. */
export function hearRings({
  connection,
  declaration,
  claimer,
  log,
}: {
  connection: Connection
  declaration: Declaration
  claimer: RingAnswerer
  log: Logger
}): Answering {
  let consumer: Consumer | null = null
  let stopped = false
  const hear = async (): Promise<ConsumerStatus> => {
    if (stopped || claimer.room() === 0) {
      adjust()
      return ConsumerStatus.REQUEUE
    }
    try {
      await claimer.claim()
      return ConsumerStatus.ACK
    } catch {
      // The claimer has told its log. It may have been stopped.
      await delay(REPEAT_MS, undefined, { ref: false })
      return ConsumerStatus.REQUEUE
    } finally {
      if (claimer.room() === 0) adjust()
    }
  }
  const listen = (): Consumer => {
    const prefetch = Math.min(claimer.room(), MAX_PREFETCH)
    const next = connection.createConsumer(
      {
        queue: declaration.queue,
        queueOptions: declaration,
        qos: { prefetchCount: prefetch },
        requeue: true,
      },
      hear,
    )
    // It starts again by itself: after a lost connection, and when its queue was deleted by hand.
    next.on('error', error => log.debug({ err: error }, 'listening for rings begins anew'))
    return next
  }
  let adjusting = Promise.resolve()
  const adjust = (): void => {
    adjusting = adjusting.then(async () => {
      const wanted = !stopped && claimer.room() > 0
      if (wanted && !consumer) consumer = listen()
      if (wanted || !consumer) return
      const ending = consumer
      consumer = null
      await within(CLOSE_TIMEOUT_MS, ending.close()).catch(() => {})
    })
  }
  adjust()
  return {
    roomChanged: adjust,
    stop: async () => {
      stopped = true
      adjust()
      await adjusting
    },
  }
}
