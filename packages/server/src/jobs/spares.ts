// Containers for phases: started when asked for, or ahead of the next job. A spare is an agent container whose attempt
// has an id but no job yet; its runner waits at the door for an order. It is used once, by one attempt, like any other.

import { CONTAINER_ENVIRONMENT, CONTAINER_PATHS } from '@flowforge/protocol'
import type { Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import type { ContainerHandle, Executor } from '../executors/port.ts'
import type { Phase } from '../store/attempts.ts'
import type { AttemptDoor, AttemptGateway } from './ports.ts'

export interface ContainerLimits {
  image: () => Promise<string>
  workspaceBytes: number
  memoryBytes: number
  cpus: number
}

export interface Place {
  door: AttemptDoor
  /** null: still to be started. */
  container: ContainerHandle | null
}

interface Spare {
  door: AttemptDoor
  container: ContainerHandle
  unwatched: AbortController
}

export type Spares = ReturnType<typeof createSpares>

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
  /** Claimed: no later claim may get the same id, also while its attempt does not need a container yet. */
  const reserved = new Map<string, Spare>()
  const leaving = new Map<string, Set<Promise<void>>>()
  const starting = new Map<string, Promise<void>>()
  let retry: NodeJS.Timeout | undefined
  let closed = false

  const start = async (attemptId: string, phase: Phase, door: AttemptDoor): Promise<ContainerHandle> =>
    executor.start({
      attemptId,
      phase,
      image: await limits.image(),
      environment: {
        [CONTAINER_ENVIRONMENT.socket]: CONTAINER_PATHS.gatewaySocket,
        [CONTAINER_ENVIRONMENT.token]: door.token,
      },
      gatewayDirectory: door.directory,
      workspaceBytes: limits.workspaceBytes,
      memoryBytes: limits.memoryBytes,
      cpus: limits.cpus,
    })

  const startSpare = async (attemptId: string): Promise<void> => {
    const door = await gateway.open(attemptId, 'agent')
    try {
      const container = await start(attemptId, 'agent', door)
      if (closed) return putAway(container, door, 0)
      const unwatched = new AbortController()
      ready.set(attemptId, { door, container, unwatched })
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
    const spare = ready.get(attemptId) ?? reserved.get(attemptId)
    if (!ended || !spare) return
    ready.delete(attemptId)
    reserved.delete(attemptId)
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
    const key = container?.attemptId ?? door.directory
    const works = leaving.get(key) ?? new Set()
    leaving.set(key, works.add(work))
    void work.finally(() => {
      works.delete(work)
      if (works.size === 0) leaving.delete(key)
    })
  }

  return {
    start,
    fill,
    putAway,
    /** Attempt ids of containers that wait for a job. */
    readyIds: (): string[] => [...ready.keys()],
    /** An attempt has this id now. */
    reserve: (attemptId: string): void => {
      const spare = ready.get(attemptId)
      if (!spare) return
      ready.delete(attemptId)
      reserved.set(attemptId, spare)
    },
    /** The attempt has ended. When it never came to its container, that goes too: its id is used up. */
    release: (attemptId: string): void => {
      const spare = reserved.get(attemptId)
      if (!spare) return
      reserved.delete(attemptId)
      spare.unwatched.abort()
      putAway(spare.container, spare.door, 0)
    },
    /** Those, and those that are being started or taken away: containers that nobody else may remove. */
    ids: (): string[] => [...ready.keys(), ...reserved.keys(), ...starting.keys(), ...leaving.keys()],
    /** The door of a phase, with its container when one waits under this attempt's id. */
    take: async (attemptId: string, phase: Phase): Promise<Place> => {
      const spare = phase === 'agent' ? reserved.get(attemptId) : undefined
      if (!spare) return { door: await gateway.open(attemptId, phase), container: null }
      reserved.delete(attemptId)
      spare.unwatched.abort()
      return spare
    },
    putAwayDone: async (attemptId: string): Promise<void> => {
      await Promise.all(leaving.get(attemptId) ?? [])
    },
    close: async (): Promise<void> => {
      closed = true
      clearTimeout(retry)
      for (const { container, door, unwatched } of ready.values()) {
        unwatched.abort()
        putAway(container, door, 0)
      }
      ready.clear()
      // What is being started now is put away when it stands.
      await Promise.all(starting.values())
      await Promise.all([...leaving.values()].flatMap(works => [...works]))
    },
  }
}
