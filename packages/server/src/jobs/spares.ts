// Containers for phases: started when asked for, or ahead of the next job. A spare is an agent container whose attempt
// has an id but no job yet; its runner waits at the door for an order. It is used once, by one attempt, like any other.

import { CONTAINER_ENVIRONMENT } from '@flowforge/protocol'
import type { Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import type { ContainerHandle, Executor } from '../executors/port.ts'
import type { Phase } from '../store/attempts.ts'
import type { AttemptDoor, AttemptGateway } from './ports.ts'

export interface ContainerLimits {
  image: () => Promise<string>
  /** For every container, beside its token. */
  environment?: Record<string, string>
  workspaceBytes: number
  memoryBytes: number
  cpus: number
}

export interface Place {
  door: AttemptDoor
  /** null: still to be started. */
  container: ContainerHandle | null
}

export type Spares = ReturnType<typeof createSpares>

interface Spare {
  door: AttemptDoor
  container: ContainerHandle
  unwatched: AbortController
  /** It ended while it was promised: a job would find it dead, so nobody else gets it. */
  hasEnded: boolean
}

/** On a workspace where an agent was, a runner believes nothing that it finds. */
const FOREIGN_STATE_DIRECTORY = '/tmp/flowforge'

/** After a failure to start a spare, how long before the next try: jobs start cold meanwhile and report the reason. */
const RETRY_MS = 5_000

export function createSpares({
  executor,
  gateway,
  limits,
  count,
  log,
}: {
  executor: Executor
  gateway: AttemptGateway
  limits: ContainerLimits
  count: number
  log: Logger
}) {
  const ready = new Map<string, Spare>()
  /** Their ids were handed to a claim: nobody else gets them, and each is taken, given back or put away. */
  const promised = new Map<string, Spare>()
  const leaving = new Map<string, Set<Promise<void>>>()
  const starting = new Map<string, Promise<void>>()
  let retry: NodeJS.Timeout | undefined
  let closed = false

  const start = async (
    attemptId: string,
    phase: Phase,
    door: AttemptDoor,
    workspaceOf?: ContainerHandle,
  ): Promise<ContainerHandle> =>
    executor.start({
      attemptId,
      phase,
      image: await limits.image(),
      environment: {
        ...limits.environment,
        [CONTAINER_ENVIRONMENT.token]: door.token,
        ...(workspaceOf && { [CONTAINER_ENVIRONMENT.stateDirectory]: FOREIGN_STATE_DIRECTORY }),
      },
      gateway: door.place,
      workspaceBytes: limits.workspaceBytes,
      workspaceOf,
      memoryBytes: limits.memoryBytes,
      cpus: limits.cpus,
    })

  const startSpare = async (attemptId: string): Promise<void> => {
    const door = await gateway.open(attemptId, 'agent')
    try {
      const container = await start(attemptId, 'agent', door)
      if (closed) return putAway(container, door, 0)
      const unwatched = new AbortController()
      ready.set(attemptId, { door, container, unwatched, hasEnded: false })
      void dropWhenEnded(attemptId, container, unwatched.signal)
    } catch (error) {
      await door.remove()
      throw error
    }
  }

  const dropWhenEnded = async (
    attemptId: string,
    container: ContainerHandle,
    unwatched: AbortSignal,
  ): Promise<void> => {
    const ended = await executor.exited(container, unwatched).catch(() => null)
    if (!ended) return
    const spare = ready.get(attemptId)
    const promise = promised.get(attemptId)
    if (promise) promise.hasEnded = true
    if (!spare) return
    ready.delete(attemptId)
    putAway(container, spare.door, 0)
    fill()
  }

  /** Starts what is missing. Never throws: without spares, jobs start cold. */
  const fill = (): void => {
    while (!closed && retry === undefined && ready.size + starting.size < count) {
      const attemptId = uuidv7()
      const work = startSpare(attemptId)
        .catch(error => {
          log.warn({ err: error }, 'no spare container could be started')
          if (closed) return
          retry ??= setTimeout(() => {
            retry = undefined
            fill()
          }, RETRY_MS)
        })
        .finally(() => starting.delete(attemptId))
      starting.set(attemptId, work)
    }
  }

  const putAway = (container: ContainerHandle | null, door: AttemptDoor, graceMs: number): void => {
    const work = (async () => {
      if (container) await executor.stop(container, { graceMs })
      await door.remove()
    })().catch(error => log.warn({ err: error }, 'a container could not be removed; the sweep tries again'))
    const works = leaving.get(door.attemptId) ?? new Set()
    leaving.set(door.attemptId, works.add(work))
    void work.finally(() => {
      works.delete(work)
      if (works.size === 0) leaving.delete(door.attemptId)
    })
  }

  /** The attempt has ended. A spare that it never came to use goes with it: its id is spent. */
  const forget = (attemptId: string): void => {
    const spare = promised.get(attemptId)
    if (!spare) return
    promised.delete(attemptId)
    spare.unwatched.abort()
    putAway(spare.container, spare.door, 0)
  }

  return {
    start,
    fill,
    putAway,
    /** Attempt ids of containers that wait for a job, for a claim of so many; those that it does not use are given back. */
    promise: (most: number): string[] => {
      const ids = [...ready.keys()].slice(0, most)
      for (const id of ids) move(id, ready, promised)
      return ids
    },
    giveBack: (ids: string[]): void => {
      for (const id of ids) {
        if (promised.get(id)?.hasEnded) forget(id)
        else move(id, promised, ready)
      }
    },
    forget,
    /** Containers that nobody else may remove: kept for a job, being started, being taken away. */
    ids: (): string[] => [...ready.keys(), ...promised.keys(), ...starting.keys(), ...leaving.keys()],
    /** The door of a phase, with its container when one waits under this attempt's id. */
    take: async (attemptId: string, phase: Phase): Promise<Place> => {
      const spare = phase === 'agent' ? promised.get(attemptId) : undefined
      if (spare?.hasEnded) {
        forget(attemptId)
        // Door and container have the same names again: first the old ones have to go.
        await Promise.all(leaving.get(attemptId) ?? [])
      }
      if (!spare || spare.hasEnded) return { door: await gateway.open(attemptId, phase), container: null }
      promised.delete(attemptId)
      spare.unwatched.abort()
      return spare
    },
    putAwayDone: async (attemptId: string): Promise<void> => {
      await Promise.all(leaving.get(attemptId) ?? [])
    },
    close: async (): Promise<void> => {
      closed = true
      clearTimeout(retry)
      for (const { container, door, unwatched } of [...ready.values(), ...promised.values()]) {
        unwatched.abort()
        putAway(container, door, 0)
      }
      ready.clear()
      promised.clear()
      // What is being started now is put away when it stands.
      await Promise.all(starting.values())
      await Promise.all([...leaving.values()].flatMap(works => [...works]))
    },
  }
}

function move(id: string, from: Map<string, Spare>, to: Map<string, Spare>): void {
  const spare = from.get(id)
  if (spare && from.delete(id)) to.set(id, spare)
}
