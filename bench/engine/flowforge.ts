// FlowForge's engine as a contender: its own submit, claim, drive and settle on its own tables, with every event, while
// container, repository and Claude are played in this process and take no time.
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { pino } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import { createDummyExecutor } from '../../packages/server/src/executors/dummy/executor.ts'
import type { AttemptGateway, EventLog, Repositories } from '../../packages/server/src/jobs/ports.ts'
import { createRunnerRecords } from '../../packages/server/src/jobs/runner-records.ts'
import { createSpares } from '../../packages/server/src/jobs/spares.ts'
import { submitBatch, submitJob } from '../../packages/server/src/jobs/submit.ts'
import { startWorker } from '../../packages/server/src/jobs/work.ts'
import { createBus } from '../../packages/server/src/live/bus.ts'
import { createEventLog } from '../../packages/server/src/live/event-log.ts'
import { createPostgresRelay } from '../../packages/server/src/live/postgres-relay.ts'
import type { Broker } from '../../packages/server/src/queue/broker.ts'
import { createOutboxDoorbell } from '../../packages/server/src/queue/outbox.ts'
import {
  createPostgresAttemptSignal,
  createPostgresDoorbell,
} from '../../packages/server/src/queue/postgres.ts'
import { createDatabase } from '../../packages/server/src/store/database.ts'
import { insertMember, insertOrganization, insertUser } from '../../packages/server/src/store/identity.ts'
import { createListener } from '../../packages/server/src/store/listener.ts'
import { insertRepository } from '../../packages/server/src/store/repositories.ts'
import { type Contender, createStartClock, createTally } from './contender.ts'

const CONCURRENCY = 100
/** As many as one `POST /jobs/batch` takes. */
const BATCH = 100
const SUBMITTERS = 2
const COMMIT = 'a'.repeat(40)

/** What stands in for Git: a base that is always there. */
const repositories: Repositories = {
  update: async () => {},
  resolveBranch: async (_repository, branch) => ({ branch: branch ?? 'main', commit: COMMIT }),
  stat: async () => ({ filesChanged: 0, insertions: 0, deletions: 0 }),
  publish: async () => {},
  keptWork: async () => null,
  keep: async () => true,
  pushedBy: async () => null,
  release: async () => {},
}

/** These runners keep nothing. */
const NO_STORAGE = { put: async () => {}, get: async () => null, delete: async () => {} }

export interface Engine {
  context: Awaited<ReturnType<typeof connect>>
  tenant: Tenant
  close(): Promise<void>
}

export interface Tenant {
  organizationId: string
  userId: string
  repositoryId: string
}

/** `broker` absent: Postgres rings. */
export async function connect(app: pg.ClientConfig, broker?: Broker) {
  const database = createDatabase(app)
  const listener = await createListener(app)
  const bus = createBus(createPostgresRelay({ listener, pool: database.pool }))
  const log = pino({ level: 'warn' })
  const doorbell = broker
    ? createOutboxDoorbell({ database, broker, log })
    : createPostgresDoorbell(listener, database.pool)
  return {
    database,
    bus,
    events: createEventLog(bus),
    doorbell,
    signal: createPostgresAttemptSignal(listener),
    log,
    close: async () => {
      await Promise.all([bus.close(), doorbell.close()])
      await listener.close()
      await database.close()
    },
  }
}

export type Context = Awaited<ReturnType<typeof connect>>

export async function addTenant({ database }: Context, slug: string): Promise<Tenant> {
  const tenant = { organizationId: uuidv7(), userId: uuidv7(), repositoryId: uuidv7() }
  await database.acrossOrganizations(async tx => {
    await insertOrganization(tx, { id: tenant.organizationId, name: slug, slug })
    await insertUser(tx, { id: tenant.userId, name: slug, email: `${slug}@example.org` })
    await insertMember(tx, { ...tenant, id: uuidv7(), role: 'owner' })
    await insertRepository(tx, {
      id: tenant.repositoryId,
      organization_id: tenant.organizationId,
      name: 'sample',
      url: null,
      default_branch: 'main',
      credential: null,
      settings: {},
      created_by: tenant.userId,
    })
  })
  return tenant
}

const submitOneJob = (context: Context, { repositoryId, ...submitter }: Tenant, task: string) =>
  submitJob(context, submitter, { repositoryId, task }, null)

export async function createFlowForgeContender(app: pg.ClientConfig, broker?: Broker): Promise<Contender> {
  const connected = await connect(app, broker)
  const tally = createTally()
  const context = { ...connected, events: countingEnds(connected.events, tally.add) }
  const tenant = await addTenant(context, 'bench')
  const clock = createStartClock()
  const executor = createDummyExecutor({ behaviour: () => untilTerminated })
  const gateway = playRunners(context, clock.begun)
  const limits = { image: async () => 'dummy', workspaceBytes: 1, memoryBytes: 1, cpus: 1 }
  const spares = createSpares({ executor, gateway, limits, count: 0, log: context.log })
  const worker = await startWorker(
    { ...context, executor, gateway, repositories, spares, firstContactMs: 60_000, noProgressMs: 600_000 },
    {
      version: 'bench',
      host: 'bench',
      place: randomUUID(),
      concurrency: CONCURRENCY,
      leaseSeconds: 30,
      waitContainerSeconds: 900,
      facts: {},
    },
  )
  return {
    name: 'FlowForge engine',
    about: `Postgres with fsync, concurrency ${CONCURRENCY}; state, attempts and events of every job stored`,
    submitMany: async count => {
      const { repositoryId, ...submitter } = tenant
      let left = count
      const submit = async () => {
        while (left > 0) {
          const size = Math.min(BATCH, left)
          left -= size
          const jobs = Array.from({ length: size }, () => ({ repositoryId, task: 'Do nothing.' }))
          await submitBatch(context, submitter, jobs, null)
        }
      }
      await Promise.all(Array.from({ length: SUBMITTERS }, submit))
    },
    untilDone: tally.until,
    forget: tally.forget,
    submitOne: () => clock.time(task => submitOneJob(context, tenant, task)),
    close: async () => {
      await worker.drain(10_000)
      await connected.close()
    },
  }
}

/** Its end comes from outside: the engine stops it when the report is there. */
const untilTerminated = async ({ terminated }: { terminated: AbortSignal }) => {
  if (!terminated.aborted)
    await new Promise(resolve => terminated.addEventListener('abort', resolve, { once: true }))
  return { exitCode: 0 }
}

/** Doors without sockets: as soon as an attempt has its order, this says what a runner says for a task without changes. */
function playRunners(context: Context, onStart: (task: string) => void): AttemptGateway {
  return {
    discard: async () => {},
    open: async (attemptId, phase) => ({
      attemptId,
      place: { kind: 'socket', directory: '' },
      activity: () => 0,
      token: '',
      close: async () => {},
      remove: async () => {},
      admit: (attempt, order, reports) => {
        const records = createRunnerRecords(
          { ...context, storage: NO_STORAGE, sendDelta: context.bus.sendDelta },
          reports.epoch,
        )
        const play = async () => {
          await records.bindNonce(attempt, randomUUID())
          if (order.phase === 'agent') onStart(order.task)
          const at = new Date().toISOString()
          await records.appendEvents(attempt, {
            source: 'bench',
            firstSourceSeq: 1,
            events: [
              { type: 'job.stage', at, data: { stage: 'working' } },
              { type: 'claude.message', at, data: { text: 'There is nothing to change.' } },
            ],
          })
          const report = { outcome: 'completed', summary: 'Nothing was to be done.', verify: [] } as const
          await records.saveReport(attempt, { ...report, verify: [] })
          reports.settled({ ...report, verify: [] })
        }
        play().catch(error =>
          context.log.error({ err: error, attemptId, phase }, 'a runner could not be played'),
        )
      },
    }),
  }
}

const ENDS = new Set(['job.succeeded', 'job.failed', 'job.cancelled'])

/** Sees the ends of jobs where they are written, so that counting costs no query. */
function countingEnds(events: EventLog, add: (count: number) => void): EventLog {
  const endsIn = (written: Array<{ type: string }>) => written.filter(({ type }) => ENDS.has(type)).length
  return {
    append: async (tx, job, written) => {
      const seq = await events.append(tx, job, written)
      const ends = endsIn(written)
      if (ends > 0) add(ends)
      return seq
    },
    appendToMany: async (tx, ofJobs) => {
      await events.appendToMany(tx, ofJobs)
      const ends = endsIn(ofJobs.flatMap(({ events: ofOne }) => ofOne))
      if (ends > 0) add(ends)
    },
  }
}
