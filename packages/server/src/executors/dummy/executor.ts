// An executor without containers: each attempt is a scripted behaviour in this process. For tests of everything around
// a container, fast and exact. It ends with the process, and what it "ran" is gone then: surviving.ts lends it a process
// of its own. It knows no protocol.
import { setTimeout as delay } from 'node:timers/promises'
import type { FlowForgeError } from '../../errors.ts'
import type { ContainerHandle, ContainerSpec, ContainerStatus, Executor } from '../port.ts'

export interface DummyContext {
  spec: ContainerSpec
  /** Aborted by TERM. A behaviour may ignore it. */
  terminated: AbortSignal
  /** Aborted by KILL: whatever the behaviour does from here on, nobody sees it. */
  killed: AbortSignal
  /** What the container writes to stdout. */
  print(text: string): void
}

export interface DummyExit {
  exitCode: number
  oomKilled?: boolean
}

/** What runs "inside". A rejection is exit code 1, its message on the logs. */
export type Behaviour = (context: DummyContext) => Promise<DummyExit>

export interface DummyExecutorOptions {
  behaviour: (spec: ContainerSpec) => Behaviour
  /** For several workers of one process that share this executor. */
  outlivesWorker?: boolean
  /** A failure of `start` to play. */
  startFailure?: (spec: ContainerSpec) => FlowForgeError | undefined
}

interface DummyContainer {
  handle: ContainerHandle
  status: ContainerStatus
  ended: Promise<void>
  output: string
  terminate: AbortController
  kill: AbortController
}

const KILLED_EXIT_CODE = 137

export const createDummyExecutor = (options: DummyExecutorOptions): Executor => {
  const containers = new Map<string, DummyContainer>()
  const nameOf = (of: Pick<ContainerSpec, 'attemptId' | 'phase'>) => `${of.attemptId}-${of.phase}`
  const find = (handle: ContainerHandle) => {
    const container = containers.get(nameOf(handle))
    return container?.handle.id === handle.id ? container : undefined
  }
  let started = 0

  return {
    name: 'dummy',
    outlivesWorker: options.outlivesWorker ?? false,
    keepsWorkspaces: false,
    start: async spec => {
      const failure = options.startFailure?.(spec)
      if (failure) throw failure
      const name = nameOf(spec)
      const container = containers.get(name) ?? run(`${name}-${++started}`, spec, options.behaviour(spec))
      containers.set(name, container)
      return container.handle
    },
    stop: async (handle, { graceMs }) => {
      const container = find(handle)
      if (!container) return
      await end(container, graceMs)
      if (find(handle)) containers.delete(nameOf(handle))
    },
    halt: async (handle, { graceMs }) => {
      const container = find(handle)
      if (container) await end(container, graceMs)
    },
    inspect: async handle => find(handle)?.status ?? { state: 'gone' },
    exited: async (handle, signal) => {
      const container = find(handle)
      await Promise.race([container?.ended, rejectionOf(signal)])
      return container?.status ?? { state: 'gone' }
    },
    list: async () => [...containers.values()].map(container => container.handle),
    sweep: async () => {},
    logs: async (handle, maxBytes) =>
      Buffer.from(find(handle)?.output ?? '')
        .subarray(-maxBytes)
        .toString('utf8'),
    check: async () => ({
      ok: true,
      facts: { engine: 'none: scripted behaviours in this process', isolationLevel: 'none' },
      problems: [],
    }),
  }
}

const end = async (container: DummyContainer, graceMs: number): Promise<void> => {
  container.terminate.abort()
  if (graceMs > 0) await Promise.race([container.ended, delay(graceMs)])
  container.kill.abort()
  await container.ended
}

const run = (id: string, spec: ContainerSpec, behaviour: Behaviour): DummyContainer => {
  const container: DummyContainer = {
    handle: { executor: 'dummy', id, attemptId: spec.attemptId, phase: spec.phase },
    status: { state: 'running' },
    ended: Promise.resolve(),
    output: '',
    terminate: new AbortController(),
    kill: new AbortController(),
  }
  const print = (text: string) => {
    container.output += text
  }
  const context = { spec, terminated: container.terminate.signal, killed: container.kill.signal, print }
  const outcome = behaviour(context).catch((error): DummyExit => {
    print(`${error}\n`)
    return { exitCode: 1 }
  })
  container.ended = Promise.race([outcome, killOf(container.kill.signal)]).then(exit => {
    container.status = { state: 'exited', oomKilled: false, ...exit }
  })
  return container
}

const killOf = (signal: AbortSignal): Promise<DummyExit> =>
  new Promise(resolve =>
    signal.addEventListener('abort', () => resolve({ exitCode: KILLED_EXIT_CODE }), { once: true }),
  )

const rejectionOf = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
