// A worker dies, freezes, loses the database or has a wrong clock: its containers go on with another, or its jobs start
// again, and what it still has to say counts for nothing.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Program } from '../../script/lib/program.ts'
import { fakeTime, hasFakeTime } from './fake-time.ts'
import { measured } from './figures.ts'
import { expectSound, expectUnharmed, submitWatched, type WatchedJob } from './invariants.ts'
import { createInstallation, type Installation, LEASE_SECONDS, TWO_LEASES_MS } from './processes.ts'
import { liveAttempt, staleRunner } from './stale-runner.ts'
import { startUpstream, type Upstream, type UpstreamRepository } from './upstream.ts'
import { startWire, type Wire } from './wire.ts'

let installation: Installation
let server: Program
let upstream: Upstream
let repository: UpstreamRepository
beforeAll(async () => {
  installation = await createInstallation()
  server = await installation.startServer()
  upstream = await startUpstream(installation)
  repository = await upstream.repository('project')
})
afterAll(async () => {
  await upstream.close()
  await installation.stop()
})

const submit = (task: string) => submitWatched(installation, { repositoryId: repository.id, task })
const untilWorking = (job: WatchedJob) =>
  expect.poll(() => job.seen.length, { timeout: 20_000 }).toBeGreaterThan(12)
const kill = async (program: Program) => {
  program.kill('SIGKILL')
  await program.ended
}
/** On another machine: it has a data folder of its own, and can not adopt. */
const elsewhere = () => ({ FLOWFORGE_DATA_DIR: join(installation.directory, 'elsewhere') })

describe('3: a worker is killed', () => {
  it('and started again: its containers are adopted at once, nothing is done twice', async () => {
    const worker = await installation.startWorker()
    const job = await submit('[dummy: push 3]')
    await untilWorking(job)
    await kill(worker)
    const killed = performance.now()
    const next = await installation.startWorker()
    await installation.untilEvent(job.job, 'attempt.adopted')
    measured('3 · adopted after kill -9, with the start of the worker', killed)
    await expectOnePush(job, 1)
    await next.stop()
  })

  it('and stays away: its jobs start again elsewhere within two leases, and nobody hears the old container', async () => {
    const worker = await installation.startWorker()
    const job = await submit('[dummy: push 3]')
    await untilWorking(job)
    const attemptId = await liveAttempt(installation, job.job)
    await kill(worker)
    const killed = performance.now()
    const other = await installation.startWorker(elsewhere())
    await installation.untilEvent(job.job, 'attempt.lost')
    expect(measured('3 · a killed worker is noticed elsewhere', killed)).toBeLessThan(TWO_LEASES_MS)
    // The first machine is back: the container that it had must find no door that lets it in.
    const back = await installation.startWorker({ FLOWFORGE_CONCURRENCY: '1' })
    const old = staleRunner(installation, { dataDirectory: installation.dataDirectory, attemptId })
    expect(await old.say('I was here first')).not.toBe(200)
    expect(await old.push(repository.path, job.job.branch)).toBe(false)
    await expectOnePush(job, 2)
    await Promise.all([other.stop(), back.stop()])
  })
})

it('4: a worker is frozen past its lease: whatever it does when it goes on is refused', async () => {
  const frozen = await installation.startWorker()
  const job = await submit('[dummy: push 4]')
  await untilWorking(job)
  const attemptId = await liveAttempt(installation, job.job)
  const old = staleRunner(installation, { dataDirectory: installation.dataDirectory, attemptId })
  expect(await old.say('Still mine')).toBe(200)
  frozen.kill('SIGSTOP')
  const stopped = performance.now()
  const other = await installation.startWorker(elsewhere())
  await installation.untilEvent(job.job, 'attempt.lost')
  expect(measured('4 · a frozen worker is noticed', stopped)).toBeLessThan(TWO_LEASES_MS)
  // They lie in the frozen worker's sockets, and are the first that it sees.
  const stale = [old.say('I was only asleep'), old.settle(), old.say('and dreamt')]
  const push = old.push(repository.path, job.job.branch)
  frozen.kill('SIGCONT')
  for (const answer of stale) expect([0, 401, 403, 503]).toContain(await answer)
  expect(await push).toBe(false)
  await expectOnePush(job, 2)
  expect(JSON.stringify(job.seen)).not.toContain('only asleep')
  await Promise.all([frozen.stop(), other.stop()])
})

const SHORTER_THAN_THE_LEASE_MS = 2_500
/** The one time that a test has to let pass: how long something is away. */
const outage = (ms: number) => delay(ms)

describe('15: a worker loses the database', () => {
  let wire: Wire
  beforeAll(async () => {
    wire = await startWire({ path: installation.postgres.socketPath })
  })
  afterAll(() => wire.close())
  const cutOff = () => ({ DATABASE_URL: installation.postgres.url(wire.port) })

  it('for less than its lease: what happened meanwhile is told afterwards', async () => {
    const worker = await installation.startWorker(cutOff())
    const job = await submit('[dummy: push 5]')
    await untilWorking(job)
    wire.silence()
    const told = job.seen.length
    await outage(SHORTER_THAN_THE_LEASE_MS)
    expect(job.seen.length).toBeLessThanOrEqual(told + 1)
    wire.restore()
    await expectOnePush(job, 1)
    await worker.stop()
  })

  it('for longer: the job goes on elsewhere, and the old agent is stopped when it is back', async () => {
    const worker = await installation.startWorker(cutOff())
    const job = await submit('[dummy: push 4]')
    await untilWorking(job)
    wire.refuse()
    const cut = performance.now()
    const other = await installation.startWorker(elsewhere())
    await installation.untilEvent(job.job, 'attempt.lost')
    expect(measured('15 · a worker that was cut off is noticed', cut)).toBeLessThan(TWO_LEASES_MS)
    wire.restore()
    await expectOnePush(job, 2)
    await Promise.all([worker.stop(), other.stop()])
  })
})

it('26: killed after its push and before it could write that down: the push is not made twice', async () => {
  const wire = await startWire({ path: installation.postgres.socketPath })
  const worker = await installation.startWorker({ DATABASE_URL: installation.postgres.url(wire.port) })
  // From the publishing on nothing of what it does reaches the database.
  upstream.intercept = ({ method, url }) => {
    if (method === 'POST' && url?.endsWith('/git-receive-pack')) wire.silence()
    return false
  }
  const job = await submit('[dummy: push 1]')
  await expect.poll(() => repository.pushes(job.job.branch), { timeout: 20_000 }).toHaveLength(1)
  await kill(worker)
  upstream.intercept = () => false
  const next = await installation.startWorker()
  await expectOnePush(job, 1)
  await next.stop()
  await wire.close()
})

describe.skipIf(!hasFakeTime)('24: the clock of a worker is wrong (needs libfaketime)', () => {
  it.each([
    '+600s',
    '-600s',
  ])('by %s: leases are kept by the clock of the database, nobody notices', async skew => {
    const worker = await installation.startWorker(fakeTime(skew))
    const job = await submit(`[dummy: push ${LEASE_SECONDS + 1}]`)
    await untilWorking(job)
    const [row] = await installation.postgres.query<{ seconds: number }>(
      'select extract(epoch from lease_expires_at - now())::float8 as seconds from attempts where ended_at is null',
    )
    expect(row!.seconds).toBeGreaterThan(0)
    expect(row!.seconds).toBeLessThanOrEqual(LEASE_SECONDS)
    await expectOnePush(job, 1)
    await worker.stop()
  })
})

it('28: servers and workers are replaced one after the other under load: no job is lost or started again', async () => {
  let worker = await installation.startWorker()
  const jobs = await Promise.all(Array.from({ length: 8 }, () => submit('[dummy: work 2]')))
  for (let round = 0; round < 3; round += 1) {
    const next = await installation.startWorker()
    expect(await worker.stop()).toBe(0)
    worker = next
    jobs.push(await submit('[dummy: work 1]'))
    await server.stop()
    server = await installation.startServer()
  }
  for (const ended of await expectSound(installation, jobs)) await expectUnharmed(installation, ended)
  await worker.stop()
})

describe('29: people who want different things at once', () => {
  it('a cancel and the end: one of them wins, the other hears so', async () => {
    const worker = await installation.startWorker()
    const jobs = await Promise.all(Array.from({ length: 12 }, () => submit('[dummy: work 0.5]')))
    const answers = await Promise.all(
      jobs.map(async (job, index) => {
        await expect.poll(() => job.seen.length, { timeout: 20_000 }).toBeGreaterThan(6 + (index % 8))
        return cancel(job)
      }),
    )
    const ended = await expectSound(installation, jobs)
    for (const [index, job] of ended.entries()) {
      if (answers[index] === 'job_state_conflict') expect(job.state).toBe('succeeded')
      else expect(['succeeded', 'cancelled']).toContain(job.state)
    }
    await worker.stop()
  })

  it('a retry of what runs, a second cancel of what has ended: 409, and nothing changes', async () => {
    const worker = await installation.startWorker()
    const job = await submit('[dummy: linger]')
    await installation.untilEvent(job.job, 'attempt.started')
    await expect(installation.flowforge.jobs.retry(job.job.id)).rejects.toMatchObject(CONFLICT)
    const both = await Promise.all([cancel(job), cancel(job)])
    expect(both).toContain('done')
    await expectSound(installation, [job])
    expect(await cancel(job)).toBe('job_state_conflict')
    expect(await installation.flowforge.jobs.get(job.job.id)).toMatchObject({
      state: 'cancelled',
      attempt: 1,
    })
    await worker.stop()
  })
})

const CONFLICT = { status: 409, code: 'job_state_conflict' }
const cancel = (job: WatchedJob): Promise<string> =>
  installation.flowforge.jobs.cancel(job.job.id).then(
    () => 'done',
    error => error.code,
  )

it('20: batches come twice, out of order, with a gap: stored once, in order, and the gap is named', async () => {
  const worker = await installation.startWorker()
  const job = await submit('[dummy: linger]')
  await installation.untilEvent(job.job, 'attempt.started')
  const attemptId = await liveAttempt(installation, job.job)
  const runner = staleRunner(installation, { dataDirectory: installation.dataDirectory, attemptId })
  const source = 'unsteady'
  const batch = (firstSourceSeq: number, ...lines: string[]) => runner.send({ source, firstSourceSeq, lines })
  await expect.poll(async () => (await batch(1, 'one', 'two')).status, { timeout: 10_000 }).toBe(200)
  expect(await batch(1, 'one', 'two')).toMatchObject({ status: 200, body: { acceptedThrough: 2 } })
  expect(await batch(5, 'five')).toMatchObject({ status: 409, body: { code: 'source_seq_gap', expected: 3 } })
  expect(await batch(2, 'two', 'three', 'four')).toMatchObject({ status: 200, body: { acceptedThrough: 4 } })
  expect(await Promise.all([batch(5, 'five'), batch(5, 'five')])).toMatchObject([
    { status: 200 },
    { status: 200 },
  ])
  await cancel(job)
  await expectSound(installation, [job])
  const said = job.seen.flatMap(event => (event.type === 'log' ? [event.data.text] : []))
  expect(said.filter(text => /^(one|two|three|four|five)$/.test(text))).toEqual([
    'one',
    'two',
    'three',
    'four',
    'five',
  ])
  await worker.stop()
})

/** The upstream's branch moved once, to the commit of the attempt that counts. */
async function expectOnePush(job: WatchedJob, attempt: number): Promise<void> {
  const [ended] = await expectSound(installation, [job])
  const story = JSON.stringify(job.seen.filter(event => event.type !== 'log'))
  expect(ended, story).toMatchObject({ state: 'succeeded', attempt })
  expect(await repository.pushes(ended!.branch)).toEqual([ended!.headCommit])
}
