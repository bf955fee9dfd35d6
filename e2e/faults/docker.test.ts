// The Docker daemon goes away under running jobs, or is not there, or lacks the image: jobs go on, start again, or say why.
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Program } from '../../script/lib/program.ts'
import { hostedRepository } from '../repositories.ts'
import { agentImage, copyImage, createDockerDaemon, type DockerDaemon } from './docker-daemon.ts'
import { measured } from './figures.ts'
import { expectSound, expectUnharmed, submitWatched } from './invariants.ts'
import { createInstallation, type Installation, TWO_LEASES_MS } from './processes.ts'
import { script } from './sandbox.ts'

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)('7: the Docker daemon is restarted (needs root: a daemon of its own)', () => {
  let daemon: DockerDaemon
  let installation: Installation
  let worker: Program
  let repositoryId: string
  beforeAll(async () => {
    daemon = await createDockerDaemon()
    await daemon.start({ liveRestore: false })
    await copyImage(daemon.host, await agentImage())
    installation = await createInstallation({
      environment: { FLOWFORGE_EXECUTOR: 'docker', DOCKER_HOST: daemon.host },
    })
    ;[worker] = await Promise.all([installation.startWorker(), installation.startServer()])
    repositoryId = (await hostedRepository(installation)).id
  })
  afterAll(async () => {
    await installation.stop()
    await daemon.close()
  })
  const count = (halfSeconds: number) =>
    submitWatched(installation, {
      repositoryId,
      task: script(`for i in $(seq ${halfSeconds}); do echo $i; sleep 0.5; done; echo $i > counted.txt`),
    })

  it.each([
    ['takes its containers along', false],
    ['ends them when it is back, as one does that had crashed', true],
  ])('and %s: the job starts again in a new one', async (_what, liveOn) => {
    await daemon.stop()
    await daemon.start({ liveRestore: liveOn })
    const job = await count(8)
    await installation.untilEvent(job.job, 'claude.tool.started')
    const stopped = performance.now()
    await daemon.stop()
    await daemon.start({ liveRestore: false })
    const retried = await installation.untilEvent(job.job, 'job.retried')
    expect(measured('7 · containers that went with their daemon are noticed', stopped)).toBeLessThan(
      TWO_LEASES_MS,
    )
    expect(retried.data).toMatchObject({ automatic: true })
    const [ended] = await expectSound(installation, [job])
    expect(ended).toMatchObject({ state: 'succeeded', attempt: 2 })
  })

  it('and its containers live on: the worker finds them again, and the job notices nothing', async () => {
    await daemon.stop()
    await daemon.start({ liveRestore: true })
    const job = await count(16)
    await installation.untilEvent(job.job, 'claude.tool.started')
    await daemon.stop()
    await daemon.start({ liveRestore: true })
    const [ended] = await expectSound(installation, [job])
    await expectUnharmed(installation, ended!)
    expect(worker.hasEnded()).toBe(false)
  })
})

describe('30: no container can be had', () => {
  it.each([
    ['the image is missing', { FLOWFORGE_AGENT_IMAGE: 'flowforge/there-is-none:1' }, 'image_unavailable'],
    ['nobody answers where Docker should be', { DOCKER_HOST: 'unix:///nowhere/docker.sock' }, 'no_capacity'],
  ])('%s: the job fails and says so', async (_what, environment, code) => {
    const installation = await createInstallation({
      environment: { FLOWFORGE_EXECUTOR: 'docker', ...environment },
    })
    onTestFinished(() => installation.stop())
    await Promise.all([installation.startServer(), installation.startWorker()])
    const { id: repositoryId } = await hostedRepository(installation)
    const submitted = performance.now()
    const job = await submitWatched(installation, { repositoryId, task: 'Do it', maxAttempts: 1 })
    const [ended] = await expectSound(installation, [job])
    measured(`30 · ${code}`, submitted)
    expect(ended).toMatchObject({ state: 'failed', reason: { code, next: expect.stringMatching(/./) } })
  })
})
