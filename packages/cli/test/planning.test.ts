// Work for later, one job after another, many at once: as scripts submit it.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCli, withPeer } from './cli.ts'
import { newRepository } from './peer.ts'

describe('a planned run', () => {
  test('says when it may start, what it needs and that an earlier result will do', () =>
    withPeer(async (peer, home) => {
      peer.repositories.push(newRepository('website', null))
      const { exitCode, stderr } = await runCli(home, [
        ...['run', 'Sweep', '--repo', 'website', '--detach', '--cache'],
        ...['--at', '2030-01-01T02:00:00Z', '--needs', '#1', '--needs', '2', '--from', '3'],
      ])
      expect([exitCode, stderr]).toEqual([0, ''])
      expect(peer.submissions[0]).toMatchObject({
        runAt: '2030-01-01T02:00:00.000Z',
        needs: ['1', '2'],
        baseFrom: '3',
        cache: true,
      })
    }))

  test('that was given an earlier result says whose it is', () =>
    withPeer(async (peer, home) => {
      peer.repositories.push(newRepository('website', null))
      peer.story = ({ succeed }) => succeed({ cachedFrom: 'x', cachedFromNumber: 7 })
      const { stdout } = await runCli(home, ['run', 'Sweep', '--repo', 'website', '--cache'])
      expect(stdout).toContain('of job #7')
    }))

  test('at a time that is none is wrong usage', () =>
    withPeer(async (_peer, home) => {
      expect((await runCli(home, ['run', 'x', '--at', 'tomorrow'])).exitCode).toBe(64)
    }))
})

describe('a change of a job', () => {
  test('of its budget or its priority is said in a sentence', () =>
    withPeer(async (peer, home) => {
      peer.repositories.push(newRepository('website', null))
      peer.story = () => {}
      await runCli(home, ['run', 'Sweep', '--repo', 'website', '--detach'])
      expect((await runCli(home, ['job', 'budget', '1', '5'])).stdout).toContain('may cost $5.00')
      expect((await runCli(home, ['job', 'budget', '1', 'none'])).stdout).toContain('no budget any more')
      expect((await runCli(home, ['job', 'priority', '#1', 'high'])).stdout).toContain('high priority')
      expect(peer.jobs[0]).toMatchObject({ budgetUsd: null, priority: 'high' })
      expect((await runCli(home, ['job', 'budget', '1', '-3'])).exitCode).toBe(64)
      expect((await runCli(home, ['job', 'priority', '1', 'urgent'])).exitCode).toBe(64)
    }))
})

describe('many jobs from a file', () => {
  test('are one request, their repositories found by name', () =>
    withPeer(async (peer, home) => {
      const [website, api] = [newRepository('website', null), newRepository('api', null)]
      peer.repositories.push(website, api)
      const jobs = [
        { key: 'a', task: 'One' },
        { task: 'Two', repository: 'api', needs: ['a'] },
      ]
      await writeFile(join(home.path, 'jobs.json'), JSON.stringify(jobs))
      const { stdout, exitCode } = await runCli(home, ['job', 'submit', 'jobs.json', '--repo', 'website'])
      expect([exitCode, stdout]).toEqual([0, 'Job #1 is queued\nJob #2 is queued\n'])
      expect(peer.submissions).toEqual([
        { key: 'a', task: 'One', repositoryId: website.id },
        { task: 'Two', repositoryId: api.id, needs: ['a'] },
      ])
      expect(peer.requests.filter(request => request.startsWith('POST'))).toEqual(['POST /api/v1/jobs/batch'])
    }))

  test.each([
    ['no JSON', 'jobs:'],
    ['no list', '{"task": "x"}'],
    ['no repository', '[{"task": "x"}]'],
  ])('with %s are wrong usage, and nothing is submitted', (_what, text) =>
    withPeer(async (peer, home) => {
      await writeFile(join(home.path, 'jobs.json'), text)
      expect((await runCli(home, ['job', 'submit', 'jobs.json'])).exitCode).toBe(64)
      expect(peer.submissions).toEqual([])
    }))
})

describe('a schedule', () => {
  const create = [
    'schedule',
    'create',
    'nightly',
    'Bring it up to date',
    '--repo',
    'web',
    '--cron',
    '0 3 * * *',
  ]

  test('is made, listed, shown, paused, resumed, run and removed by its name', () =>
    withPeer(async (peer, home) => {
      const made = await runCli(home, [
        ...create,
        ...['--timezone', 'Europe/Berlin', '--overlap', 'queue', '--verify', 'npm test', '--budget', '2'],
      ])
      expect([made.exitCode, made.stderr]).toEqual([0, ''])
      expect(made.stdout).toContain('nightly runs at 03:00, every day (Europe/Berlin).')
      expect(peer.schedules[0]).toMatchObject({
        timezone: 'Europe/Berlin',
        overlap: 'queue',
        job: { task: 'Bring it up to date', verify: ['npm test'], budgetUsd: 2 },
        repositoryId: peer.repositories[0]!.id,
      })
      expect((await runCli(home, ['schedule', 'list'])).stdout).toContain('nightly\tat 03:00, every day')
      peer.scheduleRuns.push({
        dueAt: '2026-01-01T03:00:00Z',
        outcome: 'skipped',
        jobId: null,
        jobNumber: null,
        message: 'Job #4 of the run before is still running.',
      })
      const shown = await runCli(home, ['schedule', 'show', 'Nightly'])
      expect(shown.stdout).toContain('Bring it up to date')
      expect(shown.stdout).toContain('skipped  Job #4 of the run before is still running.')
      expect((await runCli(home, ['schedule', 'pause', 'nightly'])).stdout).toBe('nightly is paused.\n')
      expect(peer.schedules[0]!.enabled).toBe(false)
      expect((await runCli(home, ['schedule', 'list'])).stdout).toContain('\tpaused\t')
      expect((await runCli(home, ['schedule', 'resume', 'nightly'])).stdout).toContain('nightly runs again.')
      expect((await runCli(home, ['schedule', 'run', 'nightly'])).stdout).toContain('Job #1  ')
      const removed = await runCli(home, ['schedule', 'remove', 'nightly', '--json'])
      expect(JSON.parse(removed.stdout)).toMatchObject({ name: 'nightly', removed: true })
      expect(peer.schedules).toEqual([])
    }))

  test("takes this machine's time zone when none is named", () =>
    withPeer(async (peer, home) => {
      await runCli(home, create, { environment: { TZ: 'America/New_York' } })
      expect(peer.schedules[0]!.timezone).toBe('America/New_York')
    }))

  test('that would never run is wrong usage, and so is one that is not there a failure', () =>
    withPeer(async (_peer, home) => {
      const never = await runCli(home, [...create.slice(0, -1), '0 0 30 2 *'])
      expect([never.exitCode, never.stderr]).toEqual([64, 'cron: "0 0 30 2 *" is never due.\n'])
      expect(await runCli(home, ['schedule', 'pause', 'nobody'])).toMatchObject({ exitCode: 1, stdout: '' })
    }))
})
