// Jobs that wait for a person, with real Claude Code in real containers: answered there, answered after the container was
// released, answered after the worker was killed, and finished jobs that are taken up again.
import type { Job, JobEvent } from '@flowforge/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { git } from '../packages/server/src/git/test-host.ts'
import { containers } from './leftovers.ts'
import { type HostedRepository, hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

const ASK = 'Paint it [scenario: ask-question]'
const PLAN = 'Do it well [scenario: plan]'

let system: System
afterAll(() => system.stop())

const untilWaiting = async (job: Pick<Job, 'id'>, count = 1): Promise<string> => {
  const pending = async () =>
    (await system.flowforge.jobs.approvals(job.id)).filter(({ status }) => status === 'pending')
  await expect
    .poll(async () => (await system.flowforge.jobs.approvals(job.id)).length, { timeout: 60_000 })
    .toBe(count)
  const [request] = await pending()
  expect((await system.flowforge.jobs.get(job.id)).state).toBe('waiting')
  return request!.requestId
}
const typesOf = async (job: Pick<Job, 'id'>) => (await system.events(job)).map(({ type }) => type)
const dataOf = async <T extends JobEvent['type']>(job: Pick<Job, 'id'>, type: T) =>
  (await system.events(job)).flatMap(event => (event.type === type ? [event.data] : []))
const fileOf = (repository: HostedRepository, branch: string, name: string) => {
  const read = async () => {
    await git(system.directory, 'init', '--quiet', '--bare', 'look.git').catch(() => {})
    const look = ['--git-dir', `${system.directory}/look.git`]
    await git(
      system.directory,
      ...look,
      'fetch',
      '--quiet',
      repository.url,
      `+refs/heads/${branch}:refs/heads/seen`,
    )
    return git(system.directory, ...look, 'show', `seen:${name}`)
  }
  return read()
}
/** The messages of the newest request that the model received for this kind of conversation. */
const lastReceived = async (scenario: string): Promise<string> => {
  const request = system.model.requests().findLast(one => one.scenario === scenario && one.status === 200)
  const answer = await fetch(`${system.model.url}/_/requests/${request!.id}/body`)
  return JSON.stringify(((await answer.json()) as { messages: unknown }).messages)
}

describe('while the container lives', () => {
  beforeAll(async () => {
    system = await startSystem({
      environment: { FLOWFORGE_SPARE_CONTAINERS: '0', FLOWFORGE_CONCURRENCY: '2' },
    })
  })

  it('a question is answered there, and the answer is in the result', async () => {
    const repository = await hostedRepository(system)
    const job = await system.submit({ repositoryId: repository.id, task: ASK })
    await untilWaiting(job)
    expect(await system.flowforge.jobs.get(job.id)).toMatchObject({ waitingFor: 'question' })
    await system.flowforge.jobs.reply(job.id, { answers: { Colour: 'Blue' } })
    const ended = await system.untilFinished(job)
    expect(ended).toMatchObject({ state: 'succeeded', attempt: 1, turn: 1 })
    expect(await fileOf(repository, ended.branch, 'answer.txt')).toBe('Blue')
  })

  it('a plan is changed and approved, and only then carried out', async () => {
    const repository = await hostedRepository(system)
    const job = await system.submit({ repositoryId: repository.id, task: PLAN, planFirst: true })
    const first = await untilWaiting(job)
    const [plan] = await system.flowforge.jobs.approvals(job.id)
    expect(plan).toMatchObject({ kind: 'plan', input: { plan: expect.stringContaining('planned.txt') } })
    await system.flowforge.jobs.approve(job.id, { requestId: first, decision: 'allow', note: 'Good.' })
    const ended = await system.untilFinished(job)
    expect(ended).toMatchObject({ state: 'succeeded', attempt: 1 })
    expect(await fileOf(repository, ended.branch, 'planned.txt')).toBe('as planned')
    await expect(
      system.flowforge.jobs.approve(job.id, { requestId: first, decision: 'deny' }),
    ).rejects.toMatchObject({ code: 'request_decided' })
  })

  it('a call that the repository reserves needs a yes, also against the image of the agent', async () => {
    const repository = await hostedRepository(system)
    await fetch(`${system.url}/api/v1/repositories/${repository.id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${system.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ settings: { approvals: ['Bash(git remote:*)'] } }),
    })
    const task =
      'Look [scenario: run-script]\n```sh\ngit remote -v > remotes.txt; echo asked >> remotes.txt\n```'
    const job = await system.submit({ repositoryId: repository.id, task, questions: 'decide' })
    const requestId = await untilWaiting(job)
    await system.flowforge.jobs.approve(job.id, { requestId, decision: 'allow' })
    const ended = await system.untilFinished(job)
    expect(ended).toMatchObject({ state: 'succeeded', result: { filesChanged: 1 } })
  })

  it('the worker may be killed: another adopts the container, and the answer arrives there', async () => {
    const repository = await hostedRepository(system)
    const job = await system.submit({ repositoryId: repository.id, task: ASK })
    await untilWaiting(job)
    system.server().kill('SIGKILL')
    await system.server().ended
    await system.startAgain()
    await system.untilEvent(job, 'attempt.adopted')
    expect((await system.flowforge.jobs.get(job.id)).state).toBe('waiting')
    await system.flowforge.jobs.reply(job.id, { text: 'Blue' })
    const ended = await system.untilFinished(job)
    expect(ended).toMatchObject({ state: 'succeeded', attempt: 1 })
    await system.stop()
  })
})

describe('after the container was released', () => {
  beforeAll(async () => {
    system = await startSystem({
      environment: {
        FLOWFORGE_SPARE_CONTAINERS: '0',
        FLOWFORGE_WAIT_CONTAINER_SECONDS: '0',
        FLOWFORGE_CONCURRENCY: '2',
      },
    })
  })
  const isReleased = async (job: Pick<Job, 'id'>) => {
    await system.untilEvent(job, 'attempt.parked')
    await expect.poll(() => containers(system.directory), { timeout: 15_000 }).toEqual([])
    expect((await system.flowforge.jobs.get(job.id)).state).toBe('waiting')
  }

  it('an answer goes on in another one, which sends Claude the whole conversation', async () => {
    const repository = await hostedRepository(system)
    const job = await system.submit({ repositoryId: repository.id, task: ASK })
    await isReleased(job)
    await system.flowforge.jobs.reply(job.id, { answers: { '1': 'Blue' } })
    const ended = await system.untilFinished(job)
    expect(ended).toMatchObject({ state: 'succeeded', attempt: 2, turn: 1 })
    expect(await fileOf(repository, ended.branch, 'answer.txt')).toBe('Blue')
    const received = await lastReceived('ask-question')
    const at = ['[scenario: ask-question]', 'I need to know one thing first.', 'AskUserQuestion', 'Blue'].map(
      part => received.indexOf(part),
    )
    expect(at).toEqual(at.toSorted((a, b) => a - b))
    expect(at[0]).toBeGreaterThanOrEqual(0)
    const [resumed] = await dataOf(job, 'session.resumed')
    expect(resumed).toMatchObject({ fromAttempt: 1 })
    expect(await typesOf(job)).not.toContain('session.started_afresh')
  })

  it('a plan is refused, made anew and approved, each time in another container', async () => {
    const repository = await hostedRepository(system)
    const job = await system.submit({ repositoryId: repository.id, task: PLAN, planFirst: true })
    await isReleased(job)
    await system.flowforge.jobs.reply(job.id, { text: 'Use fewer words.' })
    const second = await untilWaiting(job, 2)
    expect(await lastReceived('plan')).toContain('Use fewer words.')
    await expect.poll(async () => (await dataOf(job, 'attempt.parked')).length, { timeout: 30_000 }).toBe(2)
    await system.flowforge.jobs.approve(job.id, { requestId: second, decision: 'allow' })
    const ended = await system.untilFinished(job)
    expect(ended).toMatchObject({ state: 'succeeded', attempt: 3 })
    expect(await fileOf(repository, ended.branch, 'planned.txt')).toBe('as planned')
  })

  it('a reply takes a finished job up again, on the branch as it left it', async () => {
    const repository = await hostedRepository(system)
    const job = await system.run({ repositoryId: repository.id, task: 'Say hello' })
    expect(job).toMatchObject({ state: 'succeeded', turn: 1 })
    await system.flowforge.jobs.reply(job.id, { text: 'And once more, please.' })
    const again = await system.untilFinished(job)
    expect(again).toMatchObject({ state: 'succeeded', turn: 2, attempt: 2 })
    expect(await fileOf(repository, again.branch, 'hello.txt')).toBe(
      'Hello from the scripted model\nHello again',
    )
    expect(await lastReceived('default')).toContain('And once more, please.')
    expect(await typesOf(job)).toEqual(
      expect.arrayContaining(['job.reopened', 'session.resumed', 'git.work.restored']),
    )
  })
})
