// A process dies between any two statements of any act. Nothing is lost, nothing runs twice, nothing is stuck.
import fc from 'fast-check'
import sql from 'sql-template-tag'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isFlowForgeError } from '../errors.ts'
import { createDummyExecutor } from '../executors/dummy/executor.ts'
import type { Database } from '../store/database.ts'
import { adoptAttempts } from './adopt.ts'
import { cancelJob } from './cancel.ts'
import { changeJob } from './change.ts'
import { type Claim, type Claimer, claimJobs } from './claim.ts'
import { releaseDueJobs } from './dependents.ts'
import { reasonOf } from './failures.ts'
import { endOverdueJobs } from './queue-timeout.ts'
import { recoverLostAttempts } from './recover.ts'
import { replyToJob } from './reply.ts'
import { retryJob } from './retry.ts'
import { createRunnerRecords } from './runner-records.ts'
import { type Outcome, settleAttempt } from './settle.ts'
import { submitJob } from './submit.ts'
import { bringToEnd, letTimePass } from './testing-aftermath.ts'
import { findViolations } from './testing-invariants.ts'
import { createMortal, Died } from './testing-mortal.ts'
import { createScene, type Scene } from './testing-scene.ts'
import { failOverdueWaits } from './wait-limit.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterEach(() => scene.removeJobs())
afterAll(() => scene.close())

/** A process of its own: a worker's or a server's acts, on a database at which it may die. */
type Process = Omit<Scene, 'database'> & { database: Database; claimer: Claimer }

const SUCCEEDED: Outcome = {
  kind: 'succeeded',
  headCommit: 'c'.repeat(40),
  result: { summary: 'Done.', filesChanged: 1, insertions: 1, deletions: 0, verify: [] },
}
const FAILED: Outcome = { kind: 'failed', reason: reasonOf('agent_error', 'It did not work.') }
const RETRIED: Outcome = { kind: 'failed', reason: reasonOf('git_unreachable', 'No answer.') }
const REQUEUED: Outcome = { kind: 'requeued', reason: reasonOf('worker_lost', 'The worker was stopped.') }
const holderOf = ({ attempt }: Claim) => ({ attemptId: attempt.id, epoch: attempt.epoch })
const cancel = (by: Process, id: string) => cancelJob(by, scene.tenant, id)

/** Containers that were there when the worker died. */
const machineWith = async (claims: Claim[]) => {
  const executor = createDummyExecutor({ behaviour: () => () => new Promise(() => {}) })
  for (const { attempt } of claims)
    await executor.start({
      attemptId: attempt.id,
      phase: 'agent',
      image: 'dummy',
      environment: {},
      gateway: { kind: 'socket', directory: '/nowhere' },
      workspaceBytes: 1,
      memoryBytes: 1,
      cpus: 1,
    })
  return executor
}
const expireLeases = async (claims: Claim[]) => {
  for (const { attempt } of claims) await scene.expireLease(attempt.id)
}
const gatewayAttempt = ({ job, attempt }: Claim) => ({
  attemptId: attempt.id,
  jobId: job.id,
  organizationId: job.organization_id,
  repositoryId: job.repository_id,
  number: attempt.number,
  phase: 'agent' as const,
  token: 't',
  branch: job.branch,
  baseCommit: 'a'.repeat(40),
  allowedModels: [],
  egressAllow: [],
  signal: new AbortController().signal,
})

/** What there is before the act, and the act itself. Each is played once for every point at which it can die. */
const ACTS: Record<string, () => Promise<(mortal: Process) => Promise<unknown>>> = {
  submit: async () => {
    const once = { key: uuidv7(), requestHash: 'h' }
    const wanted = { repositoryId: scene.tenant.repositoryId, task: 'Do it.' }
    return async mortal => {
      await submitJob(mortal, scene.tenant, wanted, once)
      // The client that got no answer asks again: one job.
      await submitJob(scene, scene.tenant, wanted, once)
      expect(await scene.jobs()).toHaveLength(1)
    }
  },
  claim: async () => {
    for (let count = 0; count < 3; count += 1) await scene.submit()
    return mortal => claimJobs(mortal, mortal.claimer, 2, [])
  },
  'settle as succeeded': () => settling(SUCCEEDED),
  'settle as failed': () => settling(FAILED),
  'settle as failed, to be tried again': () => settling(RETRIED),
  'settle as requeued': () => settling(REQUEUED),
  'succeed at a job that others need': () => settlingWithDependents(SUCCEEDED),
  'fail at a job that others need': () => settlingWithDependents(FAILED),
  'settle a job that is to be cancelled': async () => {
    const act = await settling(FAILED)
    await cancel(scene, (await scene.jobs())[0]!.id)
    return act
  },
  'cancel a queued job': async () => {
    const { id } = await scene.submit()
    return mortal => cancel(mortal, id)
  },
  'cancel a running job': async () => {
    const { id } = await scene.submit()
    await scene.claim()
    return mortal => cancel(mortal, id)
  },
  retry: async () => {
    const { id } = await scene.submit()
    const [claim] = await scene.claim()
    await settleAttempt(scene, id, holderOf(claim!), FAILED)
    return mortal => retryJob(mortal, scene.tenant, id)
  },
  'release what is due': async () => {
    await scene.submit({ runAt: new Date(Date.now() + 3_600_000) })
    await letTimePass(scene)
    return mortal => releaseDueJobs(mortal)
  },
  'recover a lost attempt': async () => {
    await scene.submit()
    await scene.submit({ maxAttempts: 1 })
    await expireLeases(await scene.claim(2))
    return mortal => recoverLostAttempts(mortal, 0)
  },
  'begin to wait for a person': async () => {
    const { claim } = await running()
    return mortal => ask(mortal, claim)
  },
  'park an attempt whose job waits': async () => {
    const { claim } = await waiting()
    return mortal => settleAttempt(mortal, claim.job.id, holderOf(claim), { kind: 'parked' })
  },
  'answer a job whose container waits': async () => {
    const { id } = await waiting()
    return mortal => reply(mortal, id)
  },
  'answer a job whose attempt is parked': async () => {
    const { id, claim } = await waiting()
    await settleAttempt(scene, id, holderOf(claim), { kind: 'parked' })
    return mortal => reply(mortal, id)
  },
  'reply to a job that has failed': async () => {
    const { id, claim } = await running()
    await settleAttempt(scene, id, holderOf(claim), FAILED)
    return mortal => reply(mortal, id)
  },
  'give up on a person': async () => {
    await waiting()
    const { id, claim } = await waiting()
    await settleAttempt(scene, id, holderOf(claim), { kind: 'parked' })
    return mortal => failOverdueWaits(mortal, 0)
  },
  'give up on a job in the queue': async () => {
    const { id } = await scene.submit({ queueTimeoutSeconds: 1 })
    await scene.submit({ needs: [id] })
    await scene.database.acrossOrganizations(tx =>
      tx.run(sql`update jobs set queued_at = now() - interval '1 hour'`),
    )
    return mortal => endOverdueJobs(mortal, 60)
  },
  'put a queued job off': async () => {
    const { id } = await scene.submit()
    return mortal => changeJob(mortal, scene.tenant, id, { runAt: new Date(Date.now() + 3_600_000) })
  },
  adopt: async () => {
    await scene.submit()
    await scene.submit()
    const claims = await scene.claim(2)
    // One left a container, the other nothing.
    const executor = await machineWith(claims.slice(0, 1))
    await expireLeases(claims)
    return mortal => adoptAttempts({ ...mortal, executor }, mortal.claimer, [])
  },
  'take events and the report of a runner': async () => {
    await scene.submit()
    const [claim] = await scene.claim()
    const attempt = gatewayAttempt(claim!)
    return async mortal => {
      const records = createRunnerRecords({ ...mortal, sendDelta: () => {} }, claim!.attempt.epoch)
      const event = {
        type: 'log' as const,
        at: new Date().toISOString(),
        data: { stream: 'stdout', text: 'x' },
      }
      await records.bindNonce(attempt, 'n'.repeat(16))
      await records.appendEvents(attempt, { source: 's', firstSourceSeq: 1, events: [event, event] })
      await records.saveReport(attempt, { outcome: 'completed', summary: '', verify: [] })
    }
  },
}

async function running() {
  const { id } = await scene.submit()
  const claim = (await scene.claim())[0]!
  return { id, claim }
}
async function waiting() {
  const found = await running()
  await ask(scene, found.claim)
  return found
}

/** Its runner asks a question. */
const ask = (by: Process, claim: Claim) => {
  const records = createRunnerRecords({ ...by, sendDelta: () => {} }, claim.attempt.epoch)
  const data = { requestId: uuidv7(), kind: 'question', input: { questions: [] } }
  const event = { type: 'approval.requested' as const, at: new Date().toISOString(), data }
  return records.appendEvents(gatewayAttempt(claim), { source: 's', firstSourceSeq: 1, events: [event] })
}
const reply = (by: Process, id: string) => replyToJob(by, scene.tenant, id, { text: 'Blue.' })

async function settling(outcome: Outcome) {
  await scene.submit()
  const [claim] = await scene.claim()
  return (mortal: Process) => settleAttempt(mortal, claim!.job.id, holderOf(claim!), outcome)
}

async function settlingWithDependents(outcome: Outcome) {
  const act = await settling(outcome)
  const needs = (await scene.jobs()).map(({ id }) => id)
  const { id } = await scene.submit({ needs })
  await scene.submit({ needs: [...needs, id] })
  return act
}

const asProcess = (database: Database): Process => ({
  ...scene,
  database,
  claimer: { ...scene.claimer, workerId: uuidv7() },
})

/** Resolves with how many points the act has, and where it died. */
async function playWithDeathAt(point: number, prepare: (typeof ACTS)[string]) {
  const act = await prepare()
  const mortal = createMortal(scene.database, point)
  await act(asProcess(mortal.database)).catch(error => {
    const died = error instanceof Died || (error instanceof AggregateError && mortal.epitaph() !== null)
    if (!died) throw error
  })
  return mortal
}

describe('a death at any point', () => {
  test.each(Object.keys(ACTS))('of "%s" leaves nothing lost, doubled or stuck', async name => {
    const violations: string[] = []
    for (let point = 1; ; point += 1) {
      const mortal = await playWithDeathAt(point, ACTS[name]!)
      const during = await findViolations(scene, { finished: false })
      await bringToEnd(scene)
      const after = await findViolations(scene, { finished: true })
      violations.push(...[...during, ...after].map(text => `died ${mortal.epitaph()}: ${text}`))
      await scene.removeJobs()
      if (mortal.epitaph() === null) break
    }
    expect(violations).toEqual([])
  })
})

/** One step of a random interleaving. `who` picks a job or an attempt, `point` says where the process dies; 0: it lives. */
interface Step {
  act: (typeof STEPS)[number]
  who: number
  point: number
}
const STEPS = [
  'ask',
  'park',
  'reply',
  'submit',
  'later',
  'claim',
  'succeed',
  'fail',
  'tryAgain',
  'cancel',
  'retry',
  'silence',
  'recover',
  'adopt',
  'release',
] as const
const anyStep: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom(...STEPS),
  who: fc.nat({ max: 20 }),
  point: fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 }) },
  ),
})

async function play({ act, who, point }: Step, claims: Claim[]): Promise<void> {
  const process = asProcess(createMortal(scene.database, point).database)
  const jobs = await scene.jobs()
  const job = jobs[who % Math.max(jobs.length, 1)]
  const claim = claims[who % Math.max(claims.length, 1)]
  const settle = async (outcome: Outcome) =>
    claim && (await settleAttempt(process, claim.job.id, holderOf(claim), outcome))
  switch (act) {
    case 'submit':
      return void (await submitJob(
        process,
        scene.tenant,
        { repositoryId: scene.tenant.repositoryId, task: 'x' },
        null,
      ))
    case 'later':
      return void (await scene.submit({ runAt: new Date(Date.now() + 3_600_000) }))
    case 'claim':
      return void claims.push(...(await claimJobs(process, process.claimer, 1 + (who % 3), [])))
    case 'succeed':
      return void (await settle(SUCCEEDED))
    case 'fail':
      return void (await settle(FAILED))
    case 'tryAgain':
      return void (await settle(RETRIED))
    case 'cancel':
      return void (job && (await cancel(process, job.id)))
    case 'retry':
      return void (job && (await retryJob(process, scene.tenant, job.id)))
    case 'ask':
      return void (claim && (await ask(process, claim)))
    case 'park':
      return void (
        claim &&
        (await scene.job(claim.job.id)).state === 'waiting' &&
        (await settle({ kind: 'parked' }))
      )
    case 'reply':
      return void (job && (await reply(process, job.id)))
    case 'silence':
      return void (claim && (await scene.expireLease(claim.attempt.id)))
    case 'recover':
      return void (await recoverLostAttempts(process, 0))
    case 'release':
      await letTimePass(scene)
      return void (await releaseDueJobs(process))
    case 'adopt':
      // The old holder keeps its claim: what it does from now on is stale.
      return void claims.push(
        ...(await adoptAttempts({ ...process, executor: await machineWith(claims) }, process.claimer, [])),
      )
  }
}

/** What a person or a stale worker is told, and the dead tell nobody. */
const isExpected = (error: unknown): boolean =>
  error instanceof Died ||
  error instanceof AggregateError ||
  isFlowForgeError(error, 'job_state_conflict') ||
  isFlowForgeError(error, 'lease_lost')

test('random interleavings of acts and deaths keep every invariant', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 40 }), async steps => {
      const claims: Claim[] = []
      for (const step of steps) {
        await play(step, claims).catch(error => {
          if (!isExpected(error)) throw error
        })
      }
      expect(await findViolations(scene, { finished: false })).toEqual([])
      await bringToEnd(scene)
      expect(await findViolations(scene, { finished: true })).toEqual([])
      await scene.removeJobs()
    }),
    { numRuns: 60, endOnFailure: true },
  )
}, 120_000)
