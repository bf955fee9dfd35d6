// The Git host stalls, or somebody else was there first: no job waits for ever, and nothing of others is overwritten.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit, git } from '../../packages/server/src/git/test-host.ts'
import { measured } from './figures.ts'
import { expectSound, expectUnharmed, submitWatched } from './invariants.ts'
import { createInstallation, type Installation } from './processes.ts'
import { startUpstream, type Upstream } from './upstream.ts'

const STALL_SECONDS = 5

let installation: Installation
let upstream: Upstream
beforeAll(async () => {
  installation = await createInstallation({
    environment: { FLOWFORGE_GIT_STALL_SECONDS: String(STALL_SECONDS) },
  })
  await Promise.all([installation.startServer(), installation.startWorker()])
  upstream = await startUpstream(installation)
})
afterAll(async () => {
  await upstream.close()
  await installation.stop()
})

it('21: a clone that stalls in the middle is given up with its stage and a clear reason; others go on', async () => {
  const [stalled, fine] = [await upstream.repository('stalled'), await upstream.repository('fine')]
  // The beginning of an answer, and then nothing.
  upstream.intercept = ({ method, url }, response) => {
    if (method !== 'POST' || !url?.startsWith('/stalled.git')) return false
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' }).write('000d')
    return true
  }
  const began = performance.now()
  const job = await submitWatched(installation, { repositoryId: stalled.id, task: 'Wait', maxAttempts: 1 })
  const other = await submitWatched(installation, { repositoryId: fine.id, task: '[dummy: push 1]' })
  const [failed, well] = await expectSound(installation, [job, other])
  expect(measured('21 · a stalled clone is given up', began)).toBeLessThan((STALL_SECONDS + 10) * 1000)
  expect(failed).toMatchObject({ state: 'failed', reason: { code: 'git_unreachable' } })
  expect(failed!.reason!.message).toMatch(/stopped answering/)
  const stages = job.seen.flatMap(event => (event.type === 'job.stage' ? [event.data.stage] : []))
  expect(stages).toEqual(['preparing_repository'])
  await expectUnharmed(installation, well!)
  upstream.intercept = () => false
})

describe('26: the branch is not where FlowForge left it', () => {
  it('somebody pushed to it before the job did: theirs stays, and the reason says so', async () => {
    const repository = await upstream.repository('taken')
    await git(repository.path, 'branch', 'mine', 'main')
    const job = await submitWatched(installation, {
      repositoryId: repository.id,
      task: '[dummy: push 0]',
      branch: 'mine',
    })
    const [ended] = await expectSound(installation, [job])
    expect(ended).toMatchObject({ state: 'failed', reason: { code: 'push_rejected' } })
    expect(await repository.pushes('mine')).toHaveLength(1)
  })

  it('somebody pushed to it between two jobs: nothing is forced over it', async () => {
    const repository = await upstream.repository('shared')
    const submit = () =>
      submitWatched(installation, { repositoryId: repository.id, task: '[dummy: push 0]', branch: 'shared' })
    const [first] = await expectSound(installation, [await submit()])
    expect(first!.state).toBe('succeeded')
    const clone = `${installation.directory}/clone-shared`
    await git(installation.directory, 'clone', '--quiet', '--branch', 'shared', repository.path, clone)
    const theirs = await commit(clone, { 'theirs.txt': 'theirs\n' })
    await git(clone, 'push', '--quiet', 'origin', 'shared')
    const [second] = await expectSound(installation, [await submit()])
    expect(second).toMatchObject({ state: 'failed', reason: { code: 'push_rejected' } })
    expect(await repository.pushes('shared')).toEqual([first!.headCommit, theirs])
  })
})
