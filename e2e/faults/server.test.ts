// The server dies: the jobs do not notice, whoever watched goes on where they were, and whoever asked may ask again.
import { createFlowForge } from '@flowforge/sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Program } from '../../script/lib/program.ts'
import { hostedRepository } from '../repositories.ts'
import { measured } from './figures.ts'
import { expectSound, submitWatched } from './invariants.ts'
import type { Postgres } from './postgres.ts'
import { createInstallation, type Installation } from './processes.ts'
import { startWire, type Wire } from './wire.ts'

let installation: Installation
/** Between the server and Postgres. */
let wire: Wire
let server: Program
let repositoryId: string
beforeAll(async () => {
  installation = await createInstallation()
  wire = await startWire({ path: installation.postgres.socketPath })
  await startServer()
  await installation.startWorker()
  repositoryId = (await hostedRepository(installation)).id
})
afterAll(async () => {
  await installation.stop()
  await wire.close()
})

const startServer = async () => {
  server = await installation.startServer({ DATABASE_URL: installation.postgres.url(wire.port) })
}
const killServer = async () => {
  server.kill('SIGKILL')
  await server.ended
}

it('1: killed in the middle of a job: the agent goes on, watchers resume without gap or duplicate', async () => {
  const job = await submitWatched(installation, { repositoryId, task: '[dummy: work 5]' })
  await expect.poll(() => job.seen.length).toBeGreaterThan(10)
  await killServer()
  const before = job.seen.length
  await startServer()
  const restarted = performance.now()
  await expect.poll(() => job.seen.length, { timeout: 10_000 }).toBeGreaterThan(before)
  measured('1 · watchers go on after the server is back', restarted)
  const [ended] = await expectSound(installation, [job])
  expect(ended).toMatchObject({ state: 'succeeded', attempt: 1 })
})

it('2: killed after the commit and before the answer: the same Idempotency-Key gives the same job', async () => {
  const { postgres, url, token } = installation
  const commits = await holdSubmissions(postgres)
  const impatient = createFlowForge({ baseUrl: url, token, maxRetries: 0 })
  const submission = { repositoryId, task: 'Once' }
  const options = { idempotencyKey: 'the answer was lost' }
  const lost = expect(impatient.jobs.create(submission, options)).rejects.toMatchObject({
    name: 'FlowForgeConnectionError',
  })
  await commits.untilHeld()
  wire.silence()
  await commits.letGo()
  const [committed] = await commits.untilCommitted()
  await killServer()
  await lost
  wire.restore()
  await startServer()

  const job = await installation.flowforge.jobs.create(submission, options)
  expect(job.id).toBe(committed!.id)
  const again = await installation.flowforge.jobs.create(submission, options)
  expect(again).toEqual(job)
  expect(await commits.untilCommitted()).toHaveLength(1)
  const other = installation.flowforge.jobs.create({ ...submission, task: 'Another' }, options)
  await expect(other).rejects.toMatchObject({ status: 422, code: 'idempotency_key_reused' })
})

/** Submissions come as far as their commit, and wait there until they are let go. */
async function holdSubmissions(postgres: Postgres) {
  const key = 77
  const holder = await postgres.session()
  const jobs = `select id from jobs where task = 'Once'`
  await holder.query('select pg_advisory_lock($1)', [key])
  await holder.query(`
    create function wait_for_test() returns trigger language plpgsql as
      'begin perform pg_advisory_xact_lock_shared(${key}); return null; end';
    create constraint trigger wait_for_test after insert on jobs deferrable initially deferred
      for each row execute function wait_for_test()`)
  return {
    untilHeld: () =>
      expect
        .poll(() => postgres.query(`select from pg_locks where locktype = 'advisory' and not granted`), {
          timeout: 10_000,
        })
        .toHaveLength(1),
    /** The trigger stays until the end: dropping it would wait for the transactions that it is in. */
    letGo: () => holder.end(),
    untilCommitted: async () => {
      await expect.poll(() => postgres.query(jobs)).not.toHaveLength(0)
      return postgres.query<{ id: string }>(jobs)
    },
  }
}
