// The CLI as people and scripts meet it: a process, its two streams and its exit code, against a peer on loopback.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Home, makeHome, runCli, startCli, withPeer } from './cli.ts'
import { type Peer, startPeer, TOKEN, work } from './peer.ts'

describe('usage', () => {
  const wrong: [string, string[]][] = [
    ['an unknown option', ['job', 'list', '--frobnicate']],
    ['an unknown command', ['jbo']],
    ['an unknown verb', ['job', 'frobnicate']],
    ['a noun without verb', ['job']],
    ['a missing argument', ['run']],
    ['too many arguments', ['whoami', 'now']],
    ['a value that is none of the choices', ['run', 'x', '--priority', 'urgent']],
    ['a duration without unit', ['run', 'x', '--timeout', '30']],
    ['an empty task', ['run', '']],
    ['something that is no job', ['job', 'show', '../me']],
    ['an address that is none', ['whoami', '--url', 'nonsense']],
    ['no repository to work on', ['run', 'Fix it']],
    ['a password in a URL', ['repo', 'add', 'x', 'https://me:secret@example.org/x.git']],
    ['login without a terminal or stdin', ['login']],
  ]
  test.each(wrong)('%s is wrong usage: exit 64, nothing on stdout', async (_what, args) => {
    await using home = await makeHome()
    const { exitCode, stdout, stderr } = await runCli(home, args)
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' })
    expect(stderr).not.toBe('')
    expect(stderr).not.toContain('    at ')
  })

  test('help and version succeed on stdout', async () => {
    await using home = await makeHome()
    for (const args of [
      [],
      ['--help'],
      ['help'],
      ['--version'],
      ['job', '--help'],
      ['run', '--help'],
      ['help', 'run'],
    ]) {
      const { exitCode, stdout } = await runCli(home, args)
      expect([args, exitCode, stdout === '']).toEqual([args, 0, false])
    }
    expect((await runCli(home, ['help', 'run'])).stdout).toContain('--verify <command>')
  })
})

describe('failures', () => {
  test('no server: says so and how to start it', async () => {
    const peer = await startPeer()
    await using home = await makeHome(peer)
    await peer[Symbol.asyncDispose]()
    const { exitCode, stderr } = await runCli(home, ['job', 'list'])
    expect(exitCode).toBe(1)
    expect(stderr).toBe(`FlowForge is not running at ${peer.url}.\nStart it with: flowforge up\n`)
  })

  test('not signed in, or with a wrong key: exit 4', async () => {
    await using peer = await startPeer()
    await using home = await makeHome(peer, false)
    const none = await runCli(home, ['whoami'])
    expect(none.exitCode).toBe(4)
    expect(none.stderr).toContain(`You are not signed in to ${peer.url}.`)
    const refused = await runCli(home, ['whoami'], { environment: { FLOWFORGE_TOKEN: 'ffk_wrong' } })
    expect(refused.exitCode).toBe(4)
    expect(refused.stderr).toContain('The API key is not accepted')
    expect(refused.stderr).not.toContain('ffk_wrong')
  })

  test("an unknown job is the server's sentence, exit 1; a URL that it can't use is wrong usage", () =>
    withPeer(async (_peer, home) => {
      expect(await runCli(home, ['job', 'show', '99'])).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: 'There is no job 99.\n',
      })
      expect((await runCli(home, ['repo', 'add', 'x', 'ext::sh'])).exitCode).toBe(64)
    }))

  test('a reader that stops early is no failure', () =>
    withPeer(async (peer, home) => {
      peer.diff = '+line\n'.repeat(200_000)
      peer.story = work
      await runCli(home, ['run', 'x', '--repo', 'web', '--detach'])
      const running = startCli(home, ['job', 'diff', '1'])
      running.process.stdout?.once('data', () => running.process.stdout?.destroy())
      expect((await running.finished).stderr).toBe('')
    }))
})

describe('signing in', () => {
  test('login remembers the key for its owner alone, logout forgets it', async () => {
    await using peer = await startPeer()
    await using home = await makeHome()
    const at = ['--url', peer.url]
    const login = await runCli(home, ['login', ...at, '--token-stdin'], { input: `${TOKEN}\n` })
    expect(login).toMatchObject({ exitCode: 0, stdout: `Signed in to ${peer.url} as Ada.\n` })
    const file = join(home.path, '.config/flowforge/config.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await runCli(home, ['whoami'])).stdout).toBe(
      `Ada <ada@example.org>, owner of Default at ${peer.url}\n`,
    )
    expect((await runCli(home, ['logout'])).exitCode).toBe(0)
    expect(await readFile(file, 'utf8')).not.toContain(TOKEN)
    expect((await runCli(home, ['whoami', ...at])).exitCode).toBe(4)
  })

  test('a key that the server refuses is not remembered', async () => {
    await using peer = await startPeer()
    await using home = await makeHome()
    const { exitCode } = await runCli(home, ['login', '--url', peer.url, '--token-stdin'], {
      input: 'ffk_wrong',
    })
    expect(exitCode).toBe(4)
    await expect(stat(join(home.path, '.config/flowforge/config.json'))).rejects.toThrow()
  })

  test('on the same machine the key that the server left is enough', async () => {
    await using peer = await startPeer()
    await using home = await makeHome(peer, false)
    await mkdir(join(home.path, 'data'))
    await writeFile(join(home.path, 'data/cli-token'), `${TOKEN}\n`)
    expect((await runCli(home, ['whoami'])).exitCode).toBe(0)
  })

  test('--token-stdin works before and behind the command', () =>
    withPeer(async (_peer, home) => {
      const environment = { FLOWFORGE_TOKEN: 'ffk_wrong' }
      for (const args of [
        ['--token-stdin', 'whoami'],
        ['whoami', '--token-stdin'],
      ]) {
        expect((await runCli(home, args, { input: TOKEN, environment })).exitCode).toBe(0)
      }
    }))
})

describe('job', () => {
  const withJob = (act: (peer: Peer, home: Home) => Promise<void>) =>
    withPeer(async (peer, home) => {
      peer.story = work
      await runCli(home, ['run', 'Fix it', '--repo', 'web', '--detach'])
      await act(peer, home)
    })

  test('list: a line of tabs per job for scripts, JSON on demand', () =>
    withJob(async (_peer, home) => {
      expect((await runCli(home, ['job', 'list'])).stdout).toMatch(
        /^#1\tsucceeded\tFix it\tflowforge\/1-task\t\d+s ago\n$/,
      )
      expect(JSON.parse((await runCli(home, ['job', 'list', '--json', '--state', 'failed'])).stdout)).toEqual(
        [],
      )
      expect(await runCli(home, ['job', 'list', '--repo', 'nope'])).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('There is no repository "nope"'),
      })
    }))

  test('show takes a number, #number or id', () =>
    withJob(async (peer, home) => {
      for (const id of ['1', '#1', peer.jobs[0]!.id]) {
        const { exitCode, stdout } = await runCli(home, ['job', 'show', id])
        expect(exitCode).toBe(0)
        expect(stdout).toContain('Fix it\nfrom main')
        expect(stdout).toContain('Fixed the bug.')
      }
    }))

  test('logs replays; --after skips; --json is one event per line; -f exits as the job did', () =>
    withJob(async (_peer, home) => {
      expect((await runCli(home, ['job', 'logs', '1'])).stdout).toContain('I found the bug.')
      const ndjson = (await runCli(home, ['job', 'logs', '1', '--json', '--after', '5'])).stdout
        .trim()
        .split('\n')
      expect(ndjson.map(line => (JSON.parse(line) as { seq: number }).seq)).toEqual([6, 7])
      expect((await runCli(home, ['job', 'logs', '-f', '1'])).exitCode).toBe(0)
    }))

  test('logs -f of a failed job exits 1', () =>
    withPeer(async (peer, home) => {
      peer.story = ({ fail }) => fail('oom', 'It ran out of memory.')
      await runCli(home, ['run', 'x', '--repo', 'web', '--detach'])
      expect((await runCli(home, ['job', 'logs', '1'])).exitCode).toBe(0)
      expect((await runCli(home, ['job', 'logs', '-f', '1', '--json'])).exitCode).toBe(1)
    }))

  test('diff is byte for byte what Git made, so that it can be applied', () =>
    withJob(async (peer, home) => {
      peer.diff = 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\t\u001b[31m\r\n+b\n'
      expect((await runCli(home, ['job', 'diff', '1'])).stdout).toBe(peer.diff)
      expect((await runCli(home, ['job', 'diff', '1', '--stat'])).stdout).toBe(
        '1 file changed, 1 insertion, 1 deletion\n',
      )
    }))

  test('cancel of a job that has ended says so', () =>
    withJob(async (_peer, home) => {
      const { exitCode, stderr } = await runCli(home, ['job', 'cancel', '1'])
      expect({ exitCode, stderr }).toEqual({
        exitCode: 1,
        stderr: 'Job #1 has succeeded already; there is nothing to cancel.\n',
      })
    }))

  test('retry queues a failed job again, and says why it does not', () =>
    withJob(async (peer, home) => {
      const refused = await runCli(home, ['job', 'retry', '1'])
      expect(refused.exitCode).toBe(1)
      expect(refused.stderr).toContain('Job 1 is succeeded.')
      Object.assign(peer.jobs[0]!, { state: 'failed' })
      const { exitCode, stdout } = await runCli(home, ['job', 'retry', '1'])
      expect({ exitCode, stdout }).toEqual({
        exitCode: 0,
        stdout: 'Job #1 is queued again. Follow it: flowforge job logs -f 1\n',
      })
    }))

  const question = {
    questions: [
      {
        question: 'Which colour?',
        header: 'Colour',
        multiSelect: false,
        options: [{ label: 'Red', description: 'Warm' }, { label: 'Blue' }],
      },
    ],
  }

  test('a job that asks says so in the list and shows what, with how to answer', () =>
    withJob(async (peer, home) => {
      peer.play(peer.jobs[0]!).ask('question', question)
      expect((await runCli(home, ['job', 'list'])).stdout).toContain('waiting for an answer')
      const { stdout } = await runCli(home, ['job', 'show', '1'])
      expect(stdout).toContain(
        'Which colour?\n  1. Red: Warm\n  2. Blue\nAnswer: flowforge job reply 1 "…" (or an option\'s number)\n',
      )
    }))

  test.each([
    [['2'], {}, { answers: { 'Which colour?': 'Blue' } }],
    [['Green, please'], {}, { text: 'Green, please' }],
    [['--answer', 'Colour=Red'], {}, { answers: { Colour: 'Red' } }],
    [['-'], { input: 'From a file\n' }, { text: 'From a file' }],
  ])('reply %j says it', (args, options, said) =>
    withJob(async (peer, home) => {
      peer.play(peer.jobs[0]!).ask('question', question)
      const { exitCode, stdout } = await runCli(home, ['job', 'reply', '1', ...args], options)
      expect({ exitCode, stdout, said: peer.said }).toEqual({
        exitCode: 0,
        stdout: 'Job #1 has your reply. Follow it: flowforge job logs -f 1\n',
        said: [said],
      })
    }))

  test('approve decides what is open, with a no and a note; and says when nothing is', () =>
    withJob(async (peer, home) => {
      expect((await runCli(home, ['job', 'approve', '1'])).stderr).toContain('Job 1 asks nothing.')
      peer.play(peer.jobs[0]!).ask('plan', { plan: '1. Do it.' })
      const { requestId } = peer.approvals[0]!
      const { stdout } = await runCli(home, ['job', 'approve', '1', '--deny', '--note', 'Use tabs'])
      expect(stdout).toBe('Job #1: denied.\n')
      expect(peer.said).toEqual([{ requestId, decision: 'deny', note: 'Use tabs' }])
    }))

  test('run passes on that a plan comes first and that nobody is asked', () =>
    withPeer(async (peer, home) => {
      await runCli(home, ['run', 'x', '--repo', 'web', '--plan-first', '--no-questions', '--detach'])
      expect(peer.submissions).toMatchObject([{ planFirst: true, questions: 'decide' }])
    }))

  test('interrupt says that what was done is kept', () =>
    withJob(async (_peer, home) => {
      expect((await runCli(home, ['job', 'interrupt', '1'])).stdout).toBe(
        'Job #1 is being interrupted; what it has done is kept.\n',
      )
    }))
})

describe('repo and key', () => {
  test('repo add, list, remove', () =>
    withPeer(async (peer, home) => {
      expect((await runCli(home, ['repo', 'add', 'api', 'https://example.org/api.git'])).exitCode).toBe(0)
      expect((await runCli(home, ['repo', 'list'])).stdout).toBe(
        'web\thttps://example.org/web.git\tmain\napi\thttps://example.org/api.git\tmain\n',
      )
      expect((await runCli(home, ['repo', 'remove', 'api'])).stdout).toBe('Removed api.\n')
      expect(peer.repositories.map(each => each.name)).toEqual(['web'])
    }))

  test('key create prints the key alone on stdout', () =>
    withPeer(async (_peer, home) => {
      expect(await runCli(home, ['key', 'create', 'ci'])).toMatchObject({
        exitCode: 0,
        stdout: 'ffk_abcdef\n',
      })
      expect((await runCli(home, ['key', 'list'])).stdout).toMatch(/^key_1\tci\tffk_ab\t/)
      expect((await runCli(home, ['key', 'revoke', 'ci'])).stdout).toBe('Revoked ci.\n')
      expect((await runCli(home, ['key', 'revoke', 'ci'])).exitCode).toBe(1)
    }))
})

test('doctor prints what the server finds; a problem is exit 1', () =>
  withPeer(async (peer, home) => {
    peer.checks.push({ name: 'docker', status: 'ok', summary: 'Docker 20.10' })
    expect(await runCli(home, ['doctor'])).toMatchObject({ exitCode: 0, stdout: '✓ docker  Docker 20.10\n' })
    peer.checks.push({
      name: 'image',
      status: 'problem',
      summary: 'The agent image is missing.',
      next: 'Run script/setup',
    })
    const { exitCode, stdout } = await runCli(home, ['doctor'])
    expect(exitCode).toBe(1)
    expect(stdout).toContain('✗ image   The agent image is missing.\n          Run script/setup\n')
  }))

describe('completion', () => {
  let bash = ''
  beforeAll(async () => {
    await using home = await makeHome()
    bash = (await runCli(home, ['completion', 'bash'])).stdout
  })

  const complete = async (...words: string[]) => {
    const { execFileSync } = await import('node:child_process')
    const line = words.map(word => `'${word}'`).join(' ')
    const script = `${bash}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _flowforge 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n')
  }

  test('bash completes commands, verbs, options and values', async () => {
    expect(await complete('flowforge', 'lo')).toEqual(['login', 'logout'])
    expect(await complete('flowforge', 'job', 'l')).toEqual(['list', 'logs'])
    expect(await complete('flowforge', 'job', 'list', '--st')).toEqual(['--state'])
    expect(await complete('flowforge', 'run', 'x', '--priority', 'h')).toEqual(['high'])
    expect(await complete('flowforge', 'completion', '')).toEqual(['bash', 'zsh', 'fish'])
  })

  test('zsh and fish have scripts, too', async () => {
    await using home = await makeHome()
    expect((await runCli(home, ['completion', 'zsh'])).stdout).toContain('#compdef flowforge')
    expect((await runCli(home, ['completion', 'fish'])).stdout).toContain(
      "complete -c flowforge -n '__flowforge_at '\\''job'\\''' -f -a 'list'",
    )
  })
})

test('backup alone makes one on this machine, and says what is missing', async () => {
  await using home = await makeHome()
  const made = await runCli(home, ['backup'])
  expect(made).toMatchObject({ exitCode: 1, stdout: '' })
  expect(made.stderr).toContain('There is no master key')
  const listed = await runCli(home, ['backup', 'list', '--json'])
  expect(JSON.parse(listed.stdout)).toEqual({ destination: `${home.path}/data/backups`, backups: [] })
  const restored = await runCli(home, ['restore', 'nowhere.ffbackup', '--data-dir', 'elsewhere'])
  expect(restored).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('elsewhere/master-key') })
})
