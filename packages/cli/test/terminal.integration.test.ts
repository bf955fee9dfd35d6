// The live view on a real pseudo-terminal, which `script` provides.
import { type ChildProcess, spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { eventually, type Home, MAIN, makeHome } from './cli.ts'
import { newRepository, type Peer, type Play, startPeer } from './peer.ts'

interface Screen {
  child: ChildProcess
  text: () => string
  exitCode: Promise<number | null>
}

function onTerminal(home: Home, args: string[], environment: Record<string, string> = {}): Screen {
  const words = [process.execPath, MAIN, ...args].map(word => `'${word}'`).join(' ')
  const child = spawn('script', ['-qefc', `stty cols 80; exec ${words}`, '/dev/null'], {
    env: { ...home.environment, TERM: 'xterm-256color', ...environment },
    stdio: 'pipe',
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  return { child, text: () => text, exitCode: new Promise(resolve => child.on('close', resolve)) }
}

async function inScene(act: (scene: { peer: Peer; home: Home; play: () => Play }) => Promise<void>) {
  await using peer = await startPeer()
  await using home = await makeHome(peer)
  peer.repositories.push(newRepository('web', null))
  let current: Play | undefined
  peer.story = play => {
    current = play
  }
  await act({ peer, home, play: () => current! })
}

const CLEAR = '\r\u001b[2K'
/** What stands at the bottom now. */
const status = (text: string) => text.split(CLEAR).at(-1)!

test('a status line ticks below the transcript and is gone at the end', () =>
  inScene(async ({ home, play }) => {
    const screen = onTerminal(home, ['run', 'x', '--repo', 'web'])
    await eventually(() => status(screen.text())).toContain('Queued')
    play().tell('job.stage', { stage: 'working' })
    play().tell('claude.tool.started', { toolUseId: 't', name: 'Bash', input: { command: 'npm test' } })
    await eventually(() => status(screen.text())).toMatch(/Claude is working \d+s · Bash npm test \d+s/)
    await eventually(() => status(screen.text())).toMatch(/Claude is working 1s/)
    play().tell('claude.tool.finished', { toolUseId: 't', ok: true, output: '', durationMs: 1200 })
    play().tell('claude.message', { text: 'Done \u001b]0;owned\u0007with it.' })
    await eventually(screen.text).toContain('Done with it.\r\n')
    play().succeed({ headCommit: 'c'.repeat(40) })
    expect(await screen.exitCode).toBe(0)
    expect(screen.text()).toContain('Bash npm test  \u001b[2m1.2s ✓')
    expect(screen.text()).not.toContain('owned')
    expect(status(screen.text())).toContain('succeeded')
  }))

test('a question is answered right there, by number, and the story goes on', () =>
  inScene(async ({ home, play, peer }) => {
    const screen = onTerminal(home, ['run', 'x', '--repo', 'web'])
    await eventually(() => peer.requests.at(-1)).toMatch(/stream$/)
    const options = [{ label: 'Red' }, { label: 'Blue' }]
    play().ask('question', { questions: [{ question: 'Which colour?', header: 'Colour', options }] })
    await eventually(screen.text).toContain('Which colour? (number or words) ')
    expect(screen.text()).toContain('  2. Blue')
    screen.child.stdin?.write('2\n')
    await eventually(() => peer.said).toEqual([{ answers: { 'Which colour?': 'Blue' } }])
    play().tell('claude.message', { text: 'Blue it is.' })
    await eventually(screen.text).toContain('Blue it is.')
    play().succeed()
    expect(await screen.exitCode).toBe(0)
  }))

test('a question that somebody else answers is taken back, and Ctrl-C at one detaches', () =>
  inScene(async ({ home, play, peer }) => {
    const screen = onTerminal(home, ['run', 'x', '--repo', 'web'])
    await eventually(() => peer.requests.at(-1)).toMatch(/stream$/)
    play().ask('plan', { plan: '1. Do it.' })
    await eventually(screen.text).toContain('Approve the plan? ')
    const [plan] = peer.approvals
    plan!.status = 'decided'
    play().tell('approval.decided', { requestId: plan!.requestId, decision: 'allow' })
    await eventually(screen.text).toContain('Allowed')
    play().ask('tool', { tool: 'Bash', input: { command: 'git push' } })
    await eventually(screen.text).toContain('Allow it? ')
    screen.child.stdin?.write('\u0003')
    expect(await screen.exitCode).toBe(0)
    expect(screen.text()).toContain('Detached; the job goes on.')
    expect(peer.said).toEqual([])
  }))

test('Ctrl-C on the keyboard detaches and leaves a clean line', () =>
  inScene(async ({ home, play, peer }) => {
    const screen = onTerminal(home, ['run', 'x', '--repo', 'web'])
    await eventually(() => peer.requests.at(-1)).toMatch(/stream$/)
    play().tell('job.stage', { stage: 'working' })
    await eventually(screen.text).toContain('Claude is working')
    screen.child.stdin?.write('\u0003')
    expect(await screen.exitCode).toBe(0)
    expect(status(screen.text())).toMatch(/Detached; the job goes on\. flowforge job logs -f 1\r\n/)
  }))

test('with NO_COLOR or on a dumb terminal nothing moves and nothing is coloured', () =>
  inScene(async ({ home, play, peer }) => {
    const environments: Record<string, string>[] = [{ NO_COLOR: '1' }, { TERM: 'dumb' }]
    for (const [number, environment] of environments.entries()) {
      const screen = onTerminal(home, ['run', 'x', '--repo', 'web'], environment)
      await eventually(() => peer.jobs.length).toBe(number + 1)
      play().tell('job.stage', { stage: 'working' })
      play().succeed()
      expect(await screen.exitCode).toBe(0)
      expect(screen.text()).not.toContain('\u001b')
      expect(screen.text()).toContain('✓ Claude is working')
    }
  }))

test('a diff on a terminal is coloured and harmless', () =>
  inScene(async ({ home, play, peer }) => {
    const screen = onTerminal(home, ['run', 'x', '--repo', 'web'])
    await eventually(() => peer.jobs.length).toBe(1)
    play().succeed()
    await screen.exitCode
    peer.diff = '@@ -1 +1 @@\n-old\n+new\u001b[2J\n'
    const diff = onTerminal(home, ['job', 'diff', '1'])
    expect(await diff.exitCode).toBe(0)
    expect(diff.text()).toContain('\u001b[32m+new\u001b[39m')
    expect(diff.text()).not.toContain('\u001b[2J')
  }))
