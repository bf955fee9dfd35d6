// The worker: claims jobs while it has room, keeps its leases, hands each attempt to `driveAttempt`, sweeps its own machine,
// drains. What is swept for the whole installation stands in sweeper.ts.

import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import type { Transaction } from '../store/database.ts'
import { heartbeat, registerWorker, removeWorker } from '../store/workers.ts'
import { adoptAttempts, giveUpLeasesOfTheDead, isProcessAlive } from './adopt.ts'
import { type Claim, claimJobs } from './claim.ts'
import type { DriveContext } from './drive-attempt.ts'
import { createHeldAttempts } from './held-attempts.ts'
import { startLoop } from './loop.ts'
import { createOrphanSweep } from './orphans.ts'
import type { AttemptGateway, AttemptSignal } from './ports.ts'
import { createRescuer } from './rescue.ts'

export interface WorkerOptions {
  version: string
  host: string
  concurrency: number
  leaseSeconds: number
  /** How long a container is kept that only waits for a person. */
  waitContainerSeconds: number
  /** How long it may take to save its work then (10 minutes). */
  parkSeconds?: number
  /** Names the data folder of doors and mirrors. */
  place: string
  facts: Record<string, string>
}

export interface Worker {
  id: string
  /** Resolves when it has looked for attempts to adopt once. */
  lookedAround: Promise<void>
  /**
   * Stops claiming. Running attempts whose containers outlive this process are handed over; others are waited for, and
   * after `limitMs` given back to the queue.
   */
  drain(limitMs: number): Promise<Drained>
}

/** How many attempts go on without this process, and how many it gave back to the queue. */
export interface Drained {
  handedOver: number
  givenBack: number
}

/** The poll is the floor under lost rings. */
const POLL_MS = 1_000
/** For a big work tree on a busy machine; only what is hung or hostile needs longer. */
const PARK_MS = 10 * 60_000
const SWEEP_MS = 2_000

const UNHEARD = 'the others could not be told that this worker goes; they notice when its leases run out'

/** By the database's clock, whatever this machine's says. */
const limitOf = ({ attempt }: Claim): number => attempt.deadline_at.getTime() - attempt.started_at.getTime()

export async function startWorker(
  given: Omit<DriveContext, 'rescuer'> & { signal: AttemptSignal; gateway: AttemptGateway; log: Logger },
  options: WorkerOptions,
): Promise<Worker> {
  const id = uuidv7()
  const context = { ...given, rescuer: createRescuer(given) }
  const { database, log } = context
  const stopping = new AbortController()
  const stopClaiming = new AbortController()
  let draining = false

  const register = (tx: Transaction) =>
    registerWorker(tx, {
      id,
      version: options.version,
      executor: context.executor.name,
      host: options.host,
      pid: process.pid,
      concurrency: options.concurrency,
      facts: options.facts,
    })
  await database.acrossOrganizations(register)
  await giveUpLeasesOfTheDead(database, {
    workerId: id,
    place: options.place,
    host: options.host,
    pid: process.pid,
    isAlive: isProcessAlive,
  })

  const held = createHeldAttempts({
    context,
    workerId: id,
    leaseSeconds: options.leaseSeconds,
    onFree: () => {
      void wake()
      answering.roomChanged()
    },
  })
  const claimer = {
    workerId: id,
    executor: context.executor.name,
    place: options.place,
    leaseSeconds: options.leaseSeconds,
  }
  const claimWithSpares = async (limit: number): Promise<Claim[]> => {
    const spareIds = context.spares.promise(limit)
    try {
      const claims = await claimJobs(context, claimer, limit, spareIds)
      const used = new Set(claims.map(({ attempt }) => attempt.id))
      context.spares.giveBack(spareIds.filter(spareId => !used.has(spareId)))
      return claims
    } catch (error) {
      // Whether the claim was made is not known when the connection broke: the ids may be spent.
      spareIds.forEach(context.spares.forget)
      throw error
    }
  }
  const room = (): number => (draining ? 0 : options.concurrency - held.count())
  const claimWhatFits = async (): Promise<void> => {
    for (;;) {
      if (room() <= 0) return
      const claims = await claimWithSpares(room())
      for (const claim of claims) held.hold(claim, {}, { waited_ms: null, remaining_ms: limitOf(claim) })
      // Fewer than there is room for: a limit may have held back some of the candidates, and others stand behind them.
      if (claims.length === 0) break
    }
    if (held.count() === 0) context.spares.fill()
  }

  const renew = async (): Promise<void> => {
    await database.acrossOrganizations(async tx => {
      const known = await heartbeat(tx, id, { draining, spares: context.spares.ids() })
      // After a long silence (a machine that slept) the others have struck this worker off.
      if (known === 0) await register(tx)
    })
    await held.renew()
  }

  const adopt = async (): Promise<void> => {
    if (draining) return
    const adopted = await adoptAttempts(context, claimer, held.ids())
    for (const { containers, timing, ...claim } of adopted) held.hold(claim, containers, timing)
    if (adopted.length > 0) log.info({ adopted: adopted.length }, 'attempts were adopted')
  }

  const removeOrphans = createOrphanSweep({
    database,
    executor: context.executor,
    gateway: context.gateway,
    rescuer: context.rescuer,
    patienceMs: (options.leaseSeconds * 1000) / 2,
    now: () => performance.now(),
  })
  const cleanUp = async (): Promise<void> => {
    await held.releaseIdle({
      keep: options.concurrency,
      waitMs: options.waitContainerSeconds * 1000,
      parkMs: options.parkSeconds === undefined ? PARK_MS : options.parkSeconds * 1000,
    })
    await context.executor.sweep()
    const removed = await removeOrphans(new Set([...held.ids(), ...context.spares.ids()]))
    if (removed > 0) log.warn({ removed }, 'containers without an owner were removed')
  }

  const claiming = startLoop(claimWhatFits, POLL_MS, stopClaiming.signal, log, 'claim')
  const wake = claiming.wake
  const renewing = startLoop(renew, (options.leaseSeconds * 1000) / 3, stopping.signal, log, 'renew leases')
  // Apart from each other: an engine that is slow to remove something delays no adoption.
  const firstLook = Promise.withResolvers<void>()
  const adopting = startLoop(
    () => adopt().finally(firstLook.resolve),
    SWEEP_MS,
    stopping.signal,
    log,
    'adopting',
  )
  const cleaning = startLoop(cleanUp, SWEEP_MS, stopping.signal, log, 'cleaning up')
  const answering = context.doorbell.answer({ room, claim: wake })
  const stopReceiving = context.signal.receive(attemptId => {
    held
      .lookAgain(attemptId)
      .catch(error => log.warn({ err: error }, 'a signal was not understood; the next heartbeat looks again'))
  })
  context.spares.fill()

  const handOver = async (): Promise<Drained> => {
    const handedOver = held.count()
    await held.handOver().catch(error => log.warn({ err: error }, UNHEARD))
    return { handedOver, givenBack: 0 }
  }
  const waitForHeld = async (limitMs: number): Promise<Drained> => {
    const finished = held.settled()
    const late = await Promise.race([finished.then(() => false), delay(limitMs, true, { ref: false })])
    const givenBack = late ? held.count() : 0
    if (late) held.stopAll('shutdown')
    await finished
    return { handedOver: 0, givenBack }
  }

  return {
    id,
    lookedAround: firstLook.promise,
    drain: async limitMs => {
      draining = true
      stopClaiming.abort()
      renewing.wake()
      // A claim that is under way ends in our hands, and is waited for like the others.
      await claiming.done
      await answering.stop()
      const drained = context.executor.outlivesWorker ? await handOver() : await waitForHeld(limitMs)
      stopping.abort()
      stopReceiving()
      await Promise.all([renewing.done, adopting.done, cleaning.done, context.spares.close()])
      await database
        .acrossOrganizations(tx => removeWorker(tx, id))
        .catch(error => log.warn({ err: error }, UNHEARD))
      return drained
    },
  }
}
