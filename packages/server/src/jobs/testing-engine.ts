// A worker with the dummy executor on a scene: doors, sockets and Postgres are real, repositories and Claude are not there.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Behaviour, createDummyExecutor } from '../executors/dummy.ts'
import { behaviourFromTask } from '../executors/dummy-behaviours.ts'
import type { Executor } from '../executors/port.ts'
import { createDoors } from '../gateway/doors.ts'
import { cancelJob } from './cancel.ts'
import type { Repositories } from './ports.ts'
import { createRunnerRecords } from './runner-records.ts'
import { createSpares } from './spares.ts'
import type { Scene } from './testing-scene.ts'
import { startWorker, type Worker } from './work.ts'

export interface EngineOptions {
  behaviour?: Behaviour
  executor?: Executor
  repositories?: Partial<Repositories>
  concurrency?: number
  leaseSeconds?: number
  firstContactMs?: number
  spareContainers?: number
}

export interface Engine {
  worker: Worker
  executor: Executor
  close(): Promise<void>
}

const BASE = 'a'.repeat(40)

export const stubRepositories: Repositories = {
  update: async () => {},
  resolveBranch: async (_repository, branch) => ({ branch: branch ?? 'main', commit: BASE }),
  stat: async () => ({ filesChanged: 1, insertions: 2, deletions: 3 }),
  publish: async () => {},
  release: async () => {},
}

const refuse = () => {
  throw new Error('The dummy runner asks for nothing of this.')
}

export async function startEngine(scene: Scene, options: EngineOptions = {}): Promise<Engine> {
  const directory = await mkdtemp(join(tmpdir(), 'ffe-'))
  const log = pino({ level: 'silent' })
  const executor =
    options.executor ?? createDummyExecutor({ behaviour: () => options.behaviour ?? behaviourFromTask })
  const doors = createDoors({
    directory,
    tokenOf: (attemptId, phase) => `${attemptId}/${phase}`,
    records: reports => createRunnerRecords({ ...scene, sendDelta: scene.bus.sendDelta }, reports.epoch),
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
  const spares = createSpares({ executor, gateway: doors, limits, count: options.spareContainers ?? 0, log })
  const context = {
    ...scene,
    executor,
    repositories: { ...stubRepositories, ...options.repositories },
    spares,
    firstContactMs: options.firstContactMs ?? 10_000,
    log,
  }
  const worker = await startWorker(context, {
    version: 'test',
    host: 'test',
    concurrency: options.concurrency ?? 4,
    leaseSeconds: options.leaseSeconds ?? 30,
    facts: {},
  })
  return {
    worker,
    executor,
    close: async () => {
      await worker.drain(0)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export const cancel = (scene: Scene, id: string) => cancelJob(scene, scene.tenant, id)
