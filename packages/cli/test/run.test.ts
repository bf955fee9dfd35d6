// `flowforge run` on repositories that FlowForge knows: what is submitted, told and returned.
import { describe, expect, test } from 'vitest'
import { eventually, runCli, startCli, withPeer } from './cli.ts'
import { type Play, work } from './peer.ts'

describe('run', () => {
  test('submits, tells the story with time stamps, ends with the result', () =>
    withPeer(async (peer, home) => {
      peer.story = work
      const options = [
        '--verify',
        'npm test',
        '--verify',
        'npm run lint',
        '--setup',
        'npm ci',
        '--budget',
        '2.5',
        '--timeout',
        '30m',
        '--priority',
        'high',
        '--base',
        'dev',
        '--branch',
        'fix',
        '--model',
        'claude-x',
      ]
      const { exitCode, stdout, stderr } = await runCli(home, ['run', 'Fix it', '--repo', 'web', ...options])
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      expect(peer.submissions).toEqual([
        {
          repositoryId: peer.repositories[0]?.id,
          task: 'Fix it',
          baseBranch: 'dev',
          branch: 'fix',
          priority: 'high',
          verify: ['npm test', 'npm run lint'],
          setup: ['npm ci'],
          budgetUsd: 2.5,
          timeoutSeconds: 1800,
          model: 'claude-x',
        },
      ])
      expect(stdout).toContain(`Job #1  ${peer.url}/jobs/1\n`)
      expect(stdout).toMatch(/^\d\d:\d\d:\d\d {2}I found the bug\.$/m)
      expect(stdout).toMatch(/^\d\d:\d\d:\d\d {2}● Bash npm test {2}0\.8s ✓$/m)
      expect(stdout).toContain('✓ Job #1 succeeded in')
      expect(stdout).toContain('fix  2 files, +3 -1')
      expect(stdout).not.toContain('\u001b')
    }))

  test('a failed job: the reason, the next step, exit 1; a cancelled one: exit 2', () =>
    withPeer(async (peer, home) => {
      peer.story = ({ fail }) =>
        fail('verify_failed', '"npm test" failed.', 'Look at its output, then retry.')
      const failed = await runCli(home, ['run', 'x', '--repo', 'web'])
      expect(failed.exitCode).toBe(1)
      expect(failed.stdout).toContain('"npm test" failed.\n  Look at its output, then retry.\n')
      peer.story = () => {}
      const running = startCli(home, ['run', 'x', '--repo', 'web'])
      await eventually(running.stdout).toContain('Job #2')
      expect((await runCli(home, ['job', 'cancel', '2'])).stdout).toBe('Job #2 is cancelled.\n')
      expect((await running.finished).exitCode).toBe(2)
    }))

  test('--json prints the finished job as one value and the story on stderr', () =>
    withPeer(async (peer, home) => {
      peer.story = work
      const { stdout, stderr } = await runCli(home, ['run', 'x', '--repo', 'web', '--json'])
      expect(JSON.parse(stdout)).toMatchObject({ number: 1, state: 'succeeded', result: { filesChanged: 2 } })
      expect(stderr).toContain('I found the bug.')
    }))

  test('--detach returns at once', () =>
    withPeer(async (peer, home) => {
      peer.story = () => {}
      const { exitCode, stdout } = await runCli(home, ['run', 'x', '--repo', 'web', '--detach', '--json'])
      expect(exitCode).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ number: 1, state: 'queued' })
    }))

  test('Ctrl-C detaches: the job goes on', () =>
    withPeer(async (peer, home) => {
      peer.story = ({ tell }) => tell('job.stage', { stage: 'working' })
      const running = startCli(home, ['run', 'x', '--repo', 'web'])
      await eventually(() => peer.requests.at(-1)).toMatch(/stream$/)
      running.process.kill('SIGINT')
      const { exitCode, stderr } = await running.finished
      expect(exitCode).toBe(0)
      expect(stderr).toContain('Detached; the job goes on. flowforge job logs -f 1\n')
      expect(peer.requests).not.toContain(expect.stringContaining('cancel'))
      expect(peer.jobs[0]?.state).toBe('queued')
    }))

  test('goes on after the connection was cut, without telling anything twice', () =>
    withPeer(async (peer, home) => {
      let play: Play | undefined
      peer.story = each => {
        play = each
        each.tell('claude.message', { text: 'before' })
      }
      const running = startCli(home, ['run', 'x', '--repo', 'web'])
      await eventually(running.stdout).toContain('before')
      peer.cutStreams()
      play?.tell('claude.message', { text: 'after' })
      play?.succeed()
      const { exitCode, stdout } = await running.finished
      expect(exitCode).toBe(0)
      expect(stdout.match(/before|after/g)).toEqual(['before', 'after'])
    }))

  test('a URL finds its repository or adds it; a task may come from stdin', () =>
    withPeer(async (peer, home) => {
      await runCli(home, ['run', '-', '--repo', 'https://example.org/web'], { input: 'From stdin\n' })
      await runCli(home, ['run', 'x', '--repo', 'git@example.org:team/web.git'])
      expect(peer.submissions.map(each => each.task)).toEqual(['From stdin', 'x'])
      expect(peer.submissions[0]?.repositoryId).toBe(peer.repositories[0]?.id)
      expect(peer.repositories[1]).toMatchObject({ name: 'web-2', url: 'git@example.org:team/web.git' })
    }))

  test('says when the answers are not from Claude', () =>
    withPeer(async (peer, home) => {
      peer.story = ({ succeed }) => succeed({ scriptedModel: true })
      const { stdout } = await runCli(home, ['run', 'x', '--repo', 'web'])
      expect(stdout).toContain('scripted model, not Claude')
      expect(stdout).toContain('no changes were needed; no branch was pushed')
    }))
})
