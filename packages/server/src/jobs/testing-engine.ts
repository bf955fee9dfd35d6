// A worker with the dummy executor on a scene: doors, sockets and Postgres are real, repositories and Claude are not there.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { FlowForgeError } from '../errors.ts'
import { behaviourFromTask } from '../executors/dummy/behaviours.ts'
import { type Behaviour, createDummyExecutor } from '../executors/dummy/executor.ts'
import type { Executor } from '../executors/port.ts'
import { createDoors } from '../gateway/doors.ts'
import type { Database } from '../store/database.ts'
import { createLeaderLock } from '../store/leader-lock.ts'
import { cancelJob } from './cancel.ts'
import { engineSweep } from './engine-sweep.ts'
import type { AttemptDoor, AttemptGateway, Repositories } from './ports.ts'
import { createRunnerRecords } from './runner-records.ts'
import { createSpares } from './spares.ts'
import { startSweeper } from './sweeper.ts'
import type { Scene } from './testing-scene.ts'
import { startWorker, type Worker } from './work.ts'

/** What outlives a worker: its data folder, and the containers on the machine. */
export interface Machine {
  directory: string
  executor: Executor
  remove(): Promise<void>
}

export async function createMachine(behaviour?: Behaviour): Promise<Machine> {
  const directory = await mkdtemp(join(tmpdir(), 'ffe-'))
  const executor = createDummyExecutor({
    behaviour: () => behaviour ?? behaviourFromTask,
    outlivesWorker: true,
  })
  return {
    directory,
    executor,
    remove: async () => {
      for (const container of await executor.list()) await executor.stop(container, { graceMs: 0 })
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export interface EngineOptions {
  machine?: Machine
  behaviour?: Behaviour
  executor?: Executor
  repositories?: Partial<Repositories>
  concurrency?: number
  leaseSeconds?: number
  waitContainerSeconds?: number
  parkSeconds?: number
  waitLimitHours?: number
  firstContactMs?: number
  noProgressMs?: number
  /** Chance, for the delays of retries. */
  random?: () => number
  spareContainers?: number
}

export interface Engine {
  worker: Worker
  executor: Executor
  host: string
  /** As SIGSTOP: nothing that this worker wants of the database happens before `thaw`. */
  freeze(): void
  thaw(): void
  /** As SIGKILL: its sockets are dead, and it never reaches the database again. */
  kill(): Promise<void>
  close(): Promise<void>
}

const BASE = 'a'.repeat(40)

export const stubRepositories: Repositories = {
  update: async () => {},
  resolveBranch: async (_repository, branch) => ({ branch: branch ?? 'main', commit: BASE }),
  stat: async () => ({ filesChanged: 1, insertions: 2, deletions: 3 }),
  publish: async () => {},
  keptWork: async () => null,
  keep: async () => true,
  pushedBy: async () => null,
  release: async () => {},
}

const refuse = () => {
  throw new Error('The dummy runner asks for nothing of this.')
}

export async function startEngine(scene: Scene, options: EngineOptions = {}): Promise<Engine> {
  const machine = options.machine
  const directory = machine?.directory ?? (await mkdtemp(join(tmpdir(), 'ffe-')))
  const log = pino({ level: 'silent' })
  const executor =
    options.executor ??
    machine?.executor ??
    createDummyExecutor({ behaviour: () => options.behaviour ?? behaviourFromTask })
  const line = createLine(scene.database)
  const reached = { ...scene, database: line.database }
  const open = new Set<AttemptDoor>()
  const doors = createDoors({
    directory,
    tokenOf: (attemptId, phase) => `${attemptId}/${phase}`,
    records: reports => createRunnerRecords({ ...reached, sendDelta: scene.bus.sendDelta }, reports.epoch),
    handlers: { claude: refuse, git: refuse, egress: { connect: refuse, forward: refuse } },
    onDenied: () => {},
    log,
  })
  const limits = {
    image: async () => 'dummy',
    workspaceBytes: 1,
    memoryBytes: 1,
    cpus: 1,
  }
  const gateway: AttemptGateway = {
    discard: doors.discard,
    open: async (attemptId, phase) => {
      const door = await doors.open(attemptId, phase)
      open.add(door)
      return door
    },
  }
  const spares = createSpares({ executor, gateway, limits, count: options.spareContainers ?? 0, log })
  const context = {
    ...reached,
    executor,
    gateway,
    repositories: { ...stubRepositories, ...options.repositories },
    spares,
    firstContactMs: options.firstContactMs ?? 10_000,
    noProgressMs: options.noProgressMs ?? 600_000,
    random: options.random,
    log,
  }
  // Engines of one test share a process id, and yet are not one another's successors.
  const host = randomUUID()
  const worker = await startWorker(context, {
    version: 'test',
    host,
    place: directory,
    concurrency: options.concurrency ?? 4,
    leaseSeconds: options.leaseSeconds ?? 30,
    waitContainerSeconds: options.waitContainerSeconds ?? 900,
    ...(options.parkSeconds === undefined ? {} : { parkSeconds: options.parkSeconds }),
    facts: {},
  })
  const sweeper = startSweeper({
    lock: createLeaderLock(scene.test.appConfig, { key: 1, silenceMs: 30_000 }),
    tasks: engineSweep(context, {
      leaseSeconds: options.leaseSeconds ?? 30,
      waitLimitHours: options.waitLimitHours ?? 168,
    }),
    askMs: 100,
    log,
  })
  return {
    worker,
    executor,
    host,
    freeze: line.freeze,
    thaw: line.thaw,
    kill: async () => {
      line.cut()
      await sweeper.stop()
      await Promise.all([...open].map(door => door.close()))
    },
    close: async () => {
      line.thaw()
      await worker.drain(0)
      await sweeper.stop()
      if (!machine) await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A worker's way to the database, that a test can block or cut. */
function createLine(database: Database) {
  let gate = Promise.resolve()
  let open = () => {}
  let isCut = false
  const pass = async (): Promise<void> => {
    await gate
    if (isCut) throw new FlowForgeError('database_unavailable')
  }
  return {
    freeze: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      open = resolve
    },
    thaw: () => open(),
    cut: () => {
      isCut = true
    },
    database: {
      ...database,
      inOrganization: async (organizationId, work) => {
        await pass()
        return database.inOrganization(organizationId, work)
      },
      acrossOrganizations: async work => {
        await pass()
        return database.acrossOrganizations(work)
      },
    } satisfies Database as Database,
  }
}

export const cancel = (scene: Scene, id: string) => cancelJob(scene, scene.tenant, id)
