// 14: a disk is full. What needs space says so, what needs none goes on, and all is well when there is space again.
import { chown, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { client } from '../../packages/server/src/git/test-host.ts'
import { hostedRepository, makeWorkTree } from '../repositories.ts'
import { expectSound, expectUnharmed, submitWatched } from './invariants.ts'
import { createInstallation, type Installation } from './processes.ts'
import { script } from './sandbox.ts'
import { mountSmallDisk, type SmallDisk } from './small-disk.ts'
import { startUpstream, type Upstream } from './upstream.ts'

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)('14: the disk of the data folder is full (needs root: a small disk)', () => {
  let installation: Installation
  let disk: SmallDisk
  let upstream: Upstream
  beforeAll(async () => {
    installation = await createInstallation({ cleanUp: () => disk.close() })
    disk = await mountSmallDisk(installation.dataDirectory, 48)
    await Promise.all([installation.startServer(), installation.startWorker()])
    upstream = await startUpstream(installation)
  })
  afterEach(() => disk.free())
  afterAll(async () => {
    await upstream.close()
    await installation.stop()
  })

  it('a job that must fetch fails as disk_full, one that runs goes on, and the next succeeds with space', async () => {
    const [first, second] = [await upstream.repository('first'), await upstream.repository('second')]
    const other = await submitWatched(installation, { repositoryId: first.id, task: '[dummy: work 4]' })
    await expect.poll(() => other.seen.length, { timeout: 20_000 }).toBeGreaterThan(12)
    await disk.fill()
    const stuck = await submitWatched(installation, {
      repositoryId: second.id,
      task: 'Fetch',
      maxAttempts: 1,
    })
    const [failed, well] = await expectSound(installation, [stuck, other])
    expect(failed).toMatchObject({ state: 'failed', reason: { code: 'disk_full' } })
    expect(failed!.reason!.message).toMatch(/space/i)
    await expectUnharmed(installation, well!)
    await disk.free()
    const next = await submitWatched(installation, { repositoryId: second.id, task: '[dummy: push 0]' })
    const [ended] = await expectSound(installation, [next])
    await expectUnharmed(installation, ended!)
  })

  it('a push is refused in words, and changes nothing', async () => {
    const hosted = await hostedRepository(installation)
    const { path } = await makeWorkTree(installation)
    await disk.fill()
    const refused = await client(path, ['push', hosted.url, 'HEAD:refs/heads/other'])
    expect(refused.exitCode).not.toBe(0)
    // Which of its steps finds the disk full is Git's own affair, and so are its words.
    expect(refused.stderr).toMatch(/no space|rejected/i)
    await disk.free()
    expect((await client(path, ['ls-remote', '--heads', hosted.url])).stdout).not.toContain('other')
    expect(await client(path, ['push', hosted.url, 'HEAD:refs/heads/other'])).toMatchObject({ exitCode: 0 })
  })
})

describe.skipIf(!isRoot)('14: the disk of the database is full (needs root: a small disk)', () => {
  it('writing is refused as disk_full, reading goes on, runners keep what they have to say until there is space', async () => {
    let disk: SmallDisk | undefined
    const installation = await createInstallation({
      // Its tables lie on the small disk; the write-ahead log has one of its own, as on a team's server.
      prepare: async (postgres, directory) => {
        disk = await mountSmallDisk(join(directory, 'tables'), 40)
        const place = join(disk.directory, 'space')
        await mkdir(place)
        const { uid, gid } = await stat(join(directory, 'pg/postgres/data'))
        await chown(place, uid, gid)
        await postgres.query(`create tablespace small location '${place}'`, [], 'postgres')
        await postgres.query('alter database flowforge set tablespace small', [], 'postgres')
      },
      cleanUp: () => disk!.close(),
    })
    onTestFinished(() => installation.stop())
    await Promise.all([installation.startServer(), installation.startWorker()])
    const { id: repositoryId } = await hostedRepository(installation)
    const job = await submitWatched(installation, { repositoryId, task: '[dummy: flood 30000]' })
    await expect.poll(() => job.seen.length, { timeout: 20_000 }).toBeGreaterThan(100)
    await disk!.fill()
    const { flowforge } = installation
    const long = () =>
      flowforge.jobs.create({ repositoryId, task: 'x'.repeat(90_000) }).then(
        () => null,
        error => error,
      )
    await expect.poll(long, { timeout: 30_000 }).toMatchObject({ status: 507, code: 'disk_full' })
    expect(await flowforge.jobs.get(job.job.id)).toMatchObject({ attempt: 1 })
    await disk!.free()
    const next = await submitWatched(installation, { repositoryId, task: 'With space' })
    const [flooded, ended] = await expectSound(installation, [job, next])
    expect(flooded!.state).toBe('succeeded')
    await expectUnharmed(installation, ended!)
  })
})

describe('14: the workspace of a job is full', () => {
  it('the job says so, and the one beside it does not notice', async () => {
    const installation = await createInstallation({ environment: { FLOWFORGE_EXECUTOR: 'docker' } })
    onTestFinished(() => installation.stop())
    await Promise.all([installation.startServer(), installation.startWorker()])
    const { id: repositoryId } = await hostedRepository(installation)
    const submit = (task: string) => submitWatched(installation, { repositoryId, task, maxAttempts: 1 })
    const greedy = await submit(
      script(
        'echo work > work.txt; cd /workspace; for size in 4G 1G 200M 20M 1M 64K 4K; do n=0; while fallocate -l $size fill-$size-$n; do n=$((n + 1)); done; done 2>/dev/null; df -h /workspace',
      ),
    )
    const other = await submit(script('sleep 3; echo well > bystander.txt'))
    const [ended, well] = await expectSound(installation, [greedy, other])
    expect(ended).toMatchObject({ state: 'failed', reason: { code: 'disk_full' } })
    await expectUnharmed(installation, well!)
  })
})
