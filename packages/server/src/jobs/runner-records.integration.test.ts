import type { EventBatch, RunnerEvent } from '@flowforge/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GatewayAttempt } from '../gateway/attempt.ts'
import { createGatewayRecords } from './gateway-records.ts'
import { createRunnerRecords } from './runner-records.ts'
import { settleAttempt } from './settle.ts'
import { createScene, type Scene } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
afterAll(() => scene.close())

const AT = '2026-01-01T00:00:00.000Z'
const line = (text: string): RunnerEvent => ({ type: 'log', at: AT, data: { stream: 'stdout', text } })
const batch = (firstSourceSeq: number, texts: string[], source = 's'): EventBatch => ({
  source,
  firstSourceSeq,
  events: texts.map(line),
})

const attemptOf = async (phase: GatewayAttempt['phase'] = 'agent') => {
  const { id } = await scene.submit()
  const { job, attempt } = (await scene.claim())[0]!
  const ended = new AbortController()
  const gateway: GatewayAttempt = {
    attemptId: attempt.id,
    jobId: id,
    organizationId: job.organization_id,
    repositoryId: job.repository_id,
    number: attempt.number,
    phase,
    token: 't',
    branch: job.branch,
    baseCommit: 'a',
    allowedModels: [],
    egressAllow: [],
    signal: ended.signal,
  }
  const records = createRunnerRecords({ ...scene, sendDelta: () => {} }, attempt.epoch)
  return {
    id,
    gateway,
    ended,
    records,
    append: (given: EventBatch) => records.appendEvents(gateway, given),
    lines: async () =>
      (await scene.story(id)).flatMap(event => (event.type === 'log' ? [event.data.text] : [])),
    settle: () =>
      settleAttempt(scene, id, { attemptId: attempt.id, epoch: attempt.epoch }, { kind: 'cancelled' }),
  }
}

describe('event batches', () => {
  test('are stored once however often they are sent', async () => {
    const { append, lines } = await attemptOf()
    for (let n = 0; n < 3; n += 1) expect(await append(batch(1, ['a', 'b']))).toEqual({ acceptedThrough: 2 })
    expect(await lines()).toEqual(['a', 'b'])
  })

  test('that overlap add what is new', async () => {
    const { append, lines } = await attemptOf()
    await append(batch(1, ['a', 'b', 'c']))
    expect(await append(batch(2, ['b', 'c', 'd']))).toEqual({ acceptedThrough: 4 })
    expect(await append(batch(1, ['a']))).toEqual({ acceptedThrough: 4 })
    expect(await lines()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('that leave something out are told what is missing', async () => {
    const { append, lines } = await attemptOf()
    expect(await append(batch(2, ['b']))).toEqual({ gap: 1 })
    await append(batch(1, ['a']))
    expect(await append(batch(3, ['c']))).toEqual({ gap: 2 })
    expect(await lines()).toEqual(['a'])
  })

  test('of two sources have numbers of their own', async () => {
    const { append, lines } = await attemptOf()
    expect(await append(batch(1, ['a1'], 'a'))).toEqual({ acceptedThrough: 1 })
    expect(await append(batch(1, ['b1', 'b2'], 'b'))).toEqual({ acceptedThrough: 2 })
    expect(await append(batch(2, ['a2'], 'a'))).toEqual({ acceptedThrough: 2 })
    expect(await lines()).toEqual(['a1', 'b1', 'b2', 'a2'])
  })

  test('sent in any order, cut anywhere and repeated tell the story once', async () => {
    const told = Array.from({ length: 12 }, (_, index) => `line ${index + 1}`)
    const slice = fc.tuple(fc.integer({ min: 0, max: 11 }), fc.integer({ min: 1, max: 12 }))
    await fc.assert(
      fc.asyncProperty(fc.array(slice, { maxLength: 12 }), async slices => {
        const { append, lines } = await attemptOf()
        for (const [first, length] of slices)
          await append(batch(first + 1, told.slice(first, first + length)))
        const stored = await lines()
        expect(stored).toEqual(told.slice(0, stored.length))
        await append(batch(1, told))
        expect(await lines()).toEqual(told)
      }),
      { numRuns: 10 },
    )
  })

  test('with NUL, half surrogates and long lines are stored readably', async () => {
    const { append, lines } = await attemptOf()
    const long = 'x'.repeat(3_000_000)
    await append(batch(1, ['a\0b', '\ud83d alone', '😀 whole', long]))
    expect(await lines()).toEqual(['a\u2400b', '\ufffd alone', '😀 whole', long])
  })

  test('with data of the wrong form become a line that says so', async () => {
    const { append, lines } = await attemptOf()
    const events: RunnerEvent[] = [
      { type: 'log', at: AT, data: { stream: 'nonsense', text: 1 } },
      { type: 'claude.message', at: AT, data: null },
      line('after'),
    ]
    expect(await append({ source: 's', firstSourceSeq: 1, events })).toEqual({ acceptedThrough: 3 })
    expect(await lines()).toEqual([
      'The runner sent an event log that can not be read.',
      'The runner sent an event claude.message that can not be read.',
      'after',
    ])
  })

  test('with an input nested without end do not hold up what follows', async () => {
    const { append, lines } = await attemptOf()
    const input = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))
    const started: RunnerEvent = {
      type: 'claude.tool.started',
      at: AT,
      data: { toolUseId: 'x', name: 'Bash', input },
    }
    await append({ source: 's', firstSourceSeq: 1, events: [started, line('after')] })
    expect(await lines()).toEqual([
      'The runner sent an event claude.tool.started that can not be read.',
      'after',
    ])
  })

  test.each([
    'agent',
    'verify',
  ] as const)('of the phase %s say themselves not where they ran', async phase => {
    const { append, id } = await attemptOf(phase)
    const data = { command: 'npm test', round: 1, clean: phase === 'agent' }
    await append({ source: 's', firstSourceSeq: 1, events: [{ type: 'verify.started', at: AT, data }] })
    expect((await scene.story(id)).at(-1)?.data).toMatchObject({ clean: phase === 'verify' })
  })

  test('show the newest stage on the job', async () => {
    const { append, id } = await attemptOf()
    const stage = (name: string): RunnerEvent => ({ type: 'job.stage', at: AT, data: { stage: name } })
    await append({ source: 's', firstSourceSeq: 1, events: [stage('cloning'), stage('working')] })
    expect((await scene.job(id)).stage).toBe('working')
  })

  test('after the end of the attempt are refused', async () => {
    const { append, settle } = await attemptOf()
    await settle()
    await expect(append(batch(1, ['late']))).rejects.toMatchObject({ code: 'lease_lost' })
  })
})

test('ten writers at once leave no gap in the numbers', async () => {
  const { gateway, append, id } = await attemptOf()
  const records = createGatewayRecords(scene)
  const runner = async (source: string) => {
    for (let n = 1; n <= 20; n += 1) await append(batch(n, [`${source} ${n}`], source))
  }
  const observer = async () => {
    for (let n = 0; n < 20; n += 1)
      await records.say(gateway, { type: 'egress.blocked', data: { host: 'x', port: 1, reason: 'r' } })
  }
  await Promise.all([...'abcde'].map(runner).concat(Array.from({ length: 5 }, observer)))
  const story = await scene.story(id)
  expect(story.map(event => event.seq)).toEqual(Array.from({ length: 5 + 200 }, (_, index) => index + 1))
  const ofA = story.flatMap(event =>
    event.type === 'log' && event.data.text.startsWith('a ') ? [event.data.text] : [],
  )
  expect(ofA).toEqual(Array.from({ length: 20 }, (_, index) => `a ${index + 1}`))
})

describe("a runner's other words", () => {
  test('the first nonce of a phase stands', async () => {
    const { records, gateway } = await attemptOf()
    expect(await records.bindNonce(gateway, 'first')).toBe('first')
    expect(await records.bindNonce(gateway, 'second')).toBe('first')
    expect(await records.bindNonce({ ...gateway, phase: 'verify' }, 'third')).toBe('third')
  })

  test('the first report of a phase stands, whatever characters it has', async () => {
    const { records, gateway, id } = await attemptOf()
    const report = { outcome: 'completed' as const, verify: [], sessionId: 's-1' }
    await records.saveReport(gateway, { ...report, summary: 'first \0 \ud800' })
    await records.saveReport(gateway, { ...report, summary: 'second' })
    expect(await scene.liveAttempt(id)).toMatchObject({
      session_id: 's-1',
      reports: { agent: { summary: 'first \u2400 \ufffd' } },
    })
  })

  test('waiting for commands ends with the attempt, leaving nothing behind', async () => {
    const { records, gateway, ended } = await attemptOf()
    const waiting = records.commandsAfter(gateway, 0, 60_000)
    ended.abort()
    expect(await waiting).toEqual([])
    expect(await records.commandsAfter(gateway, 0, 60_000)).toEqual([])
  })

  test('a push is told once, and not after the end', async () => {
    const { gateway, id, settle } = await attemptOf()
    const { pushed } = createGatewayRecords(scene)
    await pushed(gateway, 'c1', 1)
    await pushed(gateway, 'c1', 1)
    expect((await scene.story(id)).filter(event => event.type === 'git.pushed')).toHaveLength(1)
    await expect(pushed(gateway, 'c2', 2)).rejects.toMatchObject({ code: 'lease_lost' })
    await settle()
    await expect(pushed(gateway, 'c2', 1)).rejects.toMatchObject({ code: 'lease_lost' })
  })
})
