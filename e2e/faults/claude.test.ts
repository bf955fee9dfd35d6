// 17: what Claude's API can do to a job: refuse, be busy, be down, fall silent, break off. The job waits as long as it may,
// says so, and goes on, or says why not.
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../script/lib/program.ts'
import { hostedRepository } from '../repositories.ts'
import { type System, startSystem } from '../system.ts'
import { measured } from './figures.ts'

const PATIENCE_SECONDS = 5

const start = (environment: Record<string, string> = {}) =>
  startSystem({
    environment: {
      FLOWFORGE_CLAUDE_PATIENCE_SECONDS: String(PATIENCE_SECONDS),
      FLOWFORGE_CONCURRENCY: '4',
      ...environment,
    },
  })

async function runOn(system: System, scenario: string) {
  const repository = await hostedRepository(system)
  const task = `Do it [scenario: ${scenario}]`
  const began = performance.now()
  const job = await system.run({ repositoryId: repository.id, task, maxAttempts: 1 })
  const tookMs = measured(`17 · ${scenario}`, began)
  const stages = (await system.events(job)).flatMap(event =>
    event.type === 'job.stage' ? [event.data.stage] : [],
  )
  return { job, stages, tookMs }
}

describe('an API that answers with errors', () => {
  let system: System
  beforeAll(async () => {
    system = await start()
  })
  afterAll(() => system.stop())

  describe.concurrent('and passes', () => {
    it.each([
      'error-429-then-ok',
      'error-529-then-ok',
      'cut',
      'malformed',
    ])('%s: the job waits, says so, and succeeds', async scenario => {
      const { job, stages } = await runOn(system, scenario)
      expect(job).toMatchObject({ state: 'succeeded', result: { filesChanged: 1 } })
      if (scenario.startsWith('error-')) expect(stages).toContain('waiting_for_claude')
      expect(stages.lastIndexOf('working')).toBeGreaterThan(stages.indexOf('waiting_for_claude'))
    })
  })

  describe.concurrent('and does not', () => {
    it('401: fails as claude_auth at once', async () => {
      const { job } = await runOn(system, 'error-401')
      expect(job).toMatchObject({ state: 'failed', reason: { code: 'claude_auth' } })
      expect(job.reason!.next).toContain('ANTHROPIC_API_KEY')
      expect(Date.parse(job.finishedAt!) - Date.parse(job.startedAt!)).toBeLessThan(30_000)
    })

    it.each([
      'error-500-always',
      'cut-always',
      'stall',
    ])('%s: waits no longer than it may, and fails as claude_unavailable', async scenario => {
      const { job, stages, tookMs } = await runOn(system, scenario)
      expect(job).toMatchObject({ state: 'failed', reason: { code: 'claude_unavailable' } })
      expect(stages).toContain('waiting_for_claude')
      expect(tookMs).toBeLessThan(90_000)
    })
  })
})

describe('an installation that can not reach Claude', () => {
  it('without a key: fails as claude_auth, and the doctor says what to set', async () => {
    const system = await start({ ANTHROPIC_API_KEY: '' })
    onTestFinished(() => system.stop())
    const { job } = await runOn(system, 'default')
    expect(job).toMatchObject({ state: 'failed', reason: { code: 'claude_auth' } })
    const claude = (await system.flowforge.doctor()).find(check => check.name === 'claude')
    expect(claude).toMatchObject({ status: 'problem', next: expect.stringContaining('ANTHROPIC_API_KEY') })
  })

  it('at an address where nobody listens: fails as claude_unavailable when its patience ends', async () => {
    const system = await start({ ANTHROPIC_BASE_URL: `http://127.0.0.1:${await freePort()}` })
    onTestFinished(() => system.stop())
    const { job } = await runOn(system, 'default')
    expect(job).toMatchObject({ state: 'failed', reason: { code: 'claude_unavailable' } })
  })
})
