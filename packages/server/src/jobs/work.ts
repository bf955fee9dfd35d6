// The worker: claims jobs while it has room, keeps its leases, hands each attempt to `driveAttempt`, sweeps, drains.

import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { findAttemptCancel, renewLeases } from '../store/attempts.ts'
import type { Transaction } from '../store/database.ts'
import { forgetSilentWorkers, heartbeat, registerWorker, removeWorker } from '../store/workers.ts'
import { type Claim, claimJobs, releaseDueJobs } from './claim.ts'
import { type DriveContext, driveAttempt } from './drive-attempt.ts'
import type { StopCause } from './hold.ts'
import { createOrphanSweep } from './orphans.ts'
import type { AttemptSignal } from './ports.ts'
import { recoverLostAttempts } from './recover.ts'

export interface WorkerOptions {
  version: string
  host: string
  concurrency: number
  leaseSeconds: number
  facts: Record<string, string>
}

export interface Worker {
  id: string
  /** Stops claiming and waits for the running attempts; after `limitMs` they are left to be recovered by others. */
  drain(limitMs: number): Promise<void>
}

/** The poll is the floor under lost rings. */
const POLL_MS = 1_000
const SWEEP_MS = 2_000
/** A worker that said nothing for this many leases is gone. */
const SILENT_LEASES = 2

interface Held {
  stop: AbortController
  epoch: number
  done: Promise<void>
}

export async function startWorker(
  context: DriveContext & { signal: AttemptSignal; log: Logger },
  options: WorkerOptions,
): Promise<Worker> {
  const id = uuidv7()
  const { database, log } = context
  const held = new Map<string, Held>()
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

  const hold = ({ job, attempt }: Claim): void => {
    const stop = new AbortController()
    const deadline = setTimeout(
      () => stop.abort('deadline' satisfies StopCause),
      attempt.deadline_at.getTime() - attempt.started_at.getTime(),
    )
    const done = driveAttempt(context, {
      job,
      attempt,
      holder: { attemptId: attempt.id, epoch: attempt.epoch },
      signal: stop.signal,
    })
      .catch(error =>
        log.error(
          { err: error, jobId: job.id },
          'an attempt could not be settled; its lease runs out and it is recovered',
        ),
      )
      .finally(() => {
        clearTimeout(deadline)
        held.delete(attempt.id)
        context.spares.forget(attempt.id)
        wake()
        // Not earlier: starting a container takes the cores that the attempt's own start needs.
        context.spares.fill()
      })
    held.set(attempt.id, { stop, epoch: attempt.epoch, done })
  }

  const claimer = { workerId: id, executor: context.executor.name, leaseSeconds: options.leaseSeconds }
  const claimWithSpares = async (room: number): Promise<Claim[]> => {
    const spareIds = context.spares.promise(room)
    try {
      const claims = await claimJobs(context, claimer, room, spareIds)
      const used = new Set(claims.map(({ attempt }) => attempt.id))
      context.spares.giveBack(spareIds.filter(spareId => !used.has(spareId)))
      return claims
    } catch (error) {
      // Whether the claim was made is not known when the connection broke: the ids may be spent.
      spareIds.forEach(context.spares.forget)
      throw error
    }
  }
  const claimWhatFits = async (): Promise<void> => {
    await releaseDueJobs(context)
    for (;;) {
      const room = options.concurrency - held.size
      if (room <= 0 || draining) return
      const claims = await claimWithSpares(room)
      claims.forEach(hold)
      if (claims.length < room) break
    }
    if (held.size === 0) context.spares.fill()
  }

  const renew = async (): Promise<void> => {
    // Those in hand before the question: what is claimed meanwhile is not in the answer, and yet not lost.
    const inHand = [...held]
    const kept = await database.acrossOrganizations(async tx => {
      const known = await heartbeat(tx, id, { draining, spares: context.spares.ids() })
      // After a long silence (a machine that slept) the others have struck this worker off.
      if (known === 0) await register(tx)
      return renewLeases(
        tx,
        id,
        options.leaseSeconds,
        inHand.map(([attemptId]) => attemptId),
      )
    })
    const keptById = new Map(kept.map(lease => [lease.id, lease]))
    for (const [attemptId, { stop, epoch }] of inHand) {
      const lease = keptById.get(attemptId)
      if (lease?.epoch !== epoch) stop.abort('lease_lost' satisfies StopCause)
      else if (lease.cancel) stop.abort('cancelled' satisfies StopCause)
    }
  }

  const removeOrphans = createOrphanSweep({
    database,
    executor: context.executor,
    patienceMs: (options.leaseSeconds * 1000) / 2,
    now: () => performance.now(),
  })
  const sweep = async (): Promise<void> => {
    const lost = await recoverLostAttempts(context)
    if (lost > 0) log.warn({ lost }, 'attempts without a holder were recovered')
    await database.acrossOrganizations(tx => forgetSilentWorkers(tx, SILENT_LEASES * options.leaseSeconds))
    await context.executor.sweep()
    const removed = await removeOrphans(new Set([...held.keys(), ...context.spares.ids()]))
    if (removed > 0) log.warn({ removed }, 'containers without an owner were removed')
  }

  const lookAgain = async (attemptId: string): Promise<void> => {
    const mine = held.get(attemptId)
    if (mine && (await database.acrossOrganizations(tx => findAttemptCancel(tx, attemptId))))
      mine.stop.abort('cancelled' satisfies StopCause)
  }

  const claiming = createLoop(claimWhatFits, POLL_MS, stopClaiming.signal, log, 'claim')
  const wake = claiming.wake
  const renewing = createLoop(renew, (options.leaseSeconds * 1000) / 3, stopping.signal, log, 'renew leases')
  const sweeping = createLoop(sweep, SWEEP_MS, stopping.signal, log, 'sweep')
  const stopAnswering = context.doorbell.answer(wake)
  const stopReceiving = context.signal.receive(attemptId => {
    lookAgain(attemptId).catch(error =>
      log.warn({ err: error }, 'a signal was not understood; the next heartbeat looks again'),
    )
  })
  context.spares.fill()

  return {
    id,
    drain: async limitMs => {
      draining = true
      stopAnswering()
      stopClaiming.abort()
      // A claim that is under way ends in our hands, and is waited for like the others.
      await claiming.done
      const finished = Promise.all([...held.values()].map(({ done }) => done))
      const late = await Promise.race([finished.then(() => false), delay(limitMs, true, { ref: false })])
      if (late) for (const { stop } of held.values()) stop.abort('shutdown' satisfies StopCause)
      await finished
      stopping.abort()
      stopReceiving()
      await Promise.all([renewing.done, sweeping.done, context.spares.close()])
      await database.acrossOrganizations(tx => removeWorker(tx, id))
    },
  }
}

/** Runs `work` every `intervalMs` and at each `wake`, one run at a time. A failed run is logged and tried again. */
function createLoop(
  work: () => Promise<void>,
  intervalMs: number,
  signal: AbortSignal,
  log: Logger,
  name: string,
) {
  let ring = Promise.withResolvers<void>()
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      ring = Promise.withResolvers<void>()
      await work().catch(error => log.error({ err: error }, `${name} failed; it is tried again`))
      if (signal.aborted) return
      const pause = new AbortController()
      const stopPause = () => pause.abort()
      signal.addEventListener('abort', stopPause)
      await Promise.race([
        ring.promise,
        delay(intervalMs, undefined, { signal: pause.signal }).catch(() => {}),
      ])
      signal.removeEventListener('abort', stopPause)
      pause.abort()
    }
  }
  return { wake: () => ring.resolve(), done: run() }
}
