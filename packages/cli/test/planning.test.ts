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
