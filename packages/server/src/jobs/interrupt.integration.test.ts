import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { saveReport } from '../store/attempts.ts'
import { interruptJob } from './interrupt.ts'
import { createRunnerRecords } from './runner-records.ts'
import { createScene, type Scene } from './testing-scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await createScene()
})
beforeEach(() => scene.removeJobs())
afterAll(() => scene.close())

const interrupt = (id: string) => interruptJob(scene, scene.tenant, id)
const running = async () => {
  const { id } = await scene.submit()
  const { attempt } = (await scene.claim())[0]!
  return { id, attempt }
}
const commands = async ({ id, attempt }: Awaited<ReturnType<typeof running>>, waitMs: number) => {
  const records = createRunnerRecords({ ...scene, sendDelta: () => {} }, attempt.epoch)
  const { organizationId, repositoryId } = scene.tenant
  return records.commandsAfter(
    {
      ...{ attemptId: attempt.id, jobId: id, organizationId, repositoryId, number: 1, phase: 'agent' },
      ...{ token: '', branch: '', baseCommit: '', allowedModels: [], egressAllow: [] },
      signal: new AbortController().signal,
    },
    0,
    waitMs,
  )
}

describe('an interrupt', () => {
  test('reaches a runner that is waiting for commands, and the story tells of it', async () => {
    const job = await running()
    const waiting = commands(job, 20_000)
    await interrupt(job.id)
    expect(await waiting).toEqual([{ id: 1, type: 'interrupt' }])
    expect((await scene.story(job.id)).at(-1)).toMatchObject({ type: 'log', data: { stream: 'system' } })
  })

  test('twice is one', async () => {
    const job = await running()
    await Promise.all([interrupt(job.id), interrupt(job.id)])
    const lines = (await scene.story(job.id)).filter(event => event.type === 'log')
    expect(lines).toHaveLength(1)
    expect(await commands(job, 0)).toHaveLength(1)
  })

  test('is refused while nothing runs', async () => {
    const { id } = await scene.submit()
    await expect(interrupt(id)).rejects.toMatchObject({ code: 'job_state_conflict', status: 409 })
  })

  test('is refused when the agent has had its last word', async () => {
    const { id, attempt } = await running()
    const report = { outcome: 'completed', summary: '', verify: [] } as const
    await scene.database.acrossOrganizations(tx =>
      saveReport(tx, { attemptId: attempt.id, epoch: attempt.epoch }, 'agent', { ...report, verify: [] }),
    )
    await expect(interrupt(id)).rejects.toMatchObject({ code: 'job_state_conflict' })
  })
})
