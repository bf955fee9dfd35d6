// How an attempt ends when something goes wrong or someone steps in: Claude's API, Claude's process, people, signals, and a
// gateway that goes away. With the real Claude Code and a scripted Messages API.
import { execFileSync } from 'node:child_process'
import { RUNNER_ABANDONED_EXIT_CODE } from '@flowforge/protocol'
import { afterEach, expect, test, vi } from 'vitest'
import { BRANCH, createAttempt, disposeAttempts, finish, TOKEN } from '../test/attempt.ts'
import { bash, refuse, say, steps } from '../test/claude-script.ts'

// Claude Code alone takes a third of a second to start, on a quiet machine.
vi.setConfig({ testTimeout: 120_000 })
afterEach(disposeAttempts)

const quickLimits = { CLAUDE_CODE_MAX_RETRIES: '1', CLAUDE_CODE_RETRY_WATCHDOG_MAX_WAIT_MS: '1000' }

test.each([
  ['a wrong key', refuse(401, 'authentication_error', 'invalid x-api-key'), 'claude_auth'],
  ['a spent budget', refuse(403, 'permission_error', 'budget_exceeded: 5.00 of 5.00 USD'), 'budget_exceeded'],
  ['an overloaded API', refuse(529, 'overloaded_error', 'Overloaded'), 'claude_unavailable'],
  ['a broken API', refuse(500, 'api_error', 'boom'), 'claude_unavailable'],
  ['an unknown model', refuse(404, 'not_found_error', 'model: nope'), 'agent_error'],
  ['a forbidden model', refuse(403, 'permission_error', 'The model nope is not allowed here'), 'agent_error'],
] as const)('%s is named', async (_name, answer, code) => {
  const made = await createAttempt({ script: steps(answer), environment: quickLimits })
  const { report } = await finish(made)
  expect(report).toMatchObject({ outcome: 'failed', code })
  expect(made.gateway.events.filter(event => event.type === 'claude.message')).toEqual([])
})

test('an API that is overloaded for a while shows as waiting, and the work goes on', async () => {
  const made = await createAttempt({
    script: steps(refuse(529, 'overloaded_error', 'Overloaded'), bash('echo 1 > one'), say('Done.')),
  })
  const { report } = await finish(made)
  expect(report).toMatchObject({ outcome: 'completed', headCommit: made.tip() })
  const stages = made.gateway.events.filter(event => event.type === 'job.stage').map(event => event.data)
  expect(stages).toMatchObject([
    { stage: 'cloning' },
    { stage: 'working' },
    { stage: 'waiting_for_claude', detail: expect.stringContaining('529') },
    { stage: 'working' },
    { stage: 'pushing' },
  ])
})

test('the limit of turns is named', async () => {
  const made = await createAttempt({
    order: { maxTurns: 1 },
    script: steps(bash('echo 1'), bash('echo 2'), say('.')),
  })
  const { report } = await finish(made)
  expect(report).toMatchObject({
    outcome: 'failed',
    code: 'agent_error',
    message: expect.stringContaining('turns'),
  })
})

test('a Claude Code that is killed is reported as crashed', async () => {
  const made = await createAttempt({ script: steps(bash('kill -9 $PPID; sleep 5'), say('.')) })
  const { report } = await finish(made)
  expect(report).toMatchObject({
    outcome: 'failed',
    code: 'agent_crashed',
    message: expect.stringContaining('SIGKILL'),
  })
})

test('an interrupt ends the turn, and what is there is pushed', async () => {
  const made = await createAttempt({
    order: { verify: ['exit 1'] },
    script: steps(bash('echo 1 > one'), bash('sleep 300')),
  })
  const child = made.start()
  await made.gateway.until(() => made.seen.length === 2)
  await made.gateway.until(
    () => made.gateway.events.filter(event => event.type === 'claude.tool.started').length === 2,
  )
  made.gateway.command({ type: 'interrupt' })
  expect(await made.ended(child)).toBe(0)
  expect(made.gateway.settled).toMatchObject([{ outcome: 'completed', headCommit: made.tip() }])
  expect(made.git('show', `${BRANCH}:one`)).toBe('1')
})

test('a reply reaches Claude while it works', async () => {
  const made = await createAttempt({
    script: (request, index) => {
      if (index === 0) return bash('until [ -f ../go ]; do sleep 0.05; done')
      return say(
        JSON.stringify(request.messages).includes('use green paint') ? 'Green it is.' : 'Which colour?',
      )
    },
  })
  const child = made.start()
  await made.gateway.until(() => made.gateway.events.some(event => event.type === 'claude.tool.started'))
  made.gateway.command({ type: 'reply', message: 1, text: 'Please use green paint.' })
  await made.gateway.until(() => made.gateway.requests.some(({ path }) => path.includes('after=1')))
  execFileSync('touch', [`${made.repository}/../go`])
  expect(await made.ended(child)).toBe(0)
  expect(made.gateway.settled).toMatchObject([{ outcome: 'completed', summary: 'Green it is.' }])
})

test('a cancelled job ends at once, pushes nothing and settles nothing', async () => {
  const made = await createAttempt({ script: steps(bash('echo 1 > one; sleep 300')) })
  const child = made.start()
  await made.gateway.until(() => made.gateway.events.some(event => event.type === 'claude.tool.started'))
  made.gateway.command({ type: 'cancel' })
  expect(await made.ended(child)).toBe(143)
  expect(made.gateway.settled).toEqual([])
  expect(made.tip()).toBeUndefined()
})

test('SIGTERM ends everything within a few seconds', async () => {
  const made = await createAttempt({ order: { setup: ['trap "" TERM; sleep 300 & wait; sleep 300'] } })
  const child = made.start()
  await made.gateway.until(() => made.gateway.events.some(event => event.type === 'log'))
  const startedAt = performance.now()
  child.kill('SIGTERM')
  expect(await made.ended(child)).toBe(143)
  expect(performance.now() - startedAt).toBeLessThan(6000)
})

test('a lost lease stops Claude and exits 3', async () => {
  const made = await createAttempt({ script: steps(bash('sleep 300')) })
  const child = made.start()
  await made.gateway.until(() => made.gateway.events.some(event => event.type === 'claude.tool.started'))
  made.gateway.refuse(409, 'lease_lost')
  await made.gateway.vanish()
  await made.gateway.listen()
  expect(await made.ended(child)).toBe(3)
})

test('a gateway that stays away ends everything, whatever still runs, and the exit code says so', async () => {
  const made = await createAttempt({
    script: steps(bash('sleep 300')),
    environment: { FLOWFORGE_PATIENCE_MS: '2000' },
  })
  const child = made.start()
  await made.gateway.until(() => made.gateway.events.some(event => event.type === 'claude.tool.started'))
  await made.gateway.vanish()
  expect(await made.ended(child)).toBe(RUNNER_ABANDONED_EXIT_CODE)
})

test('a gateway that restarts loses and doubles nothing', async () => {
  const made = await createAttempt({
    script: (_request, index) =>
      index < 4 ? bash(`echo ${index} > file-${index}; sleep 0.2`) : say('All four.'),
  })
  const child = made.start()
  for (const count of [1, 2, 3]) {
    await made.gateway.until(() => made.seen.length === count)
    await made.gateway.vanish()
    await made.gateway.listen()
  }
  expect(await made.ended(child)).toBe(0)
  expect(made.gateway.settled).toMatchObject([{ outcome: 'completed', summary: 'All four.' }])
  const outputs = made.gateway.events.filter(event => event.type === 'claude.tool.finished')
  const started = made.gateway.events.filter(event => event.type === 'claude.tool.started')
  expect(outputs.length).toBe(started.length)
  expect(new Set(started.map(event => (event.data as { toolUseId: string }).toolUseId)).size).toBe(
    started.length,
  )
})

test('a runner that is started again after Claude began does not do the work twice', async () => {
  const made = await createAttempt({ script: steps(bash('echo 1 > one; sleep 300')) })
  const child = made.start()
  await made.gateway.until(() => made.gateway.events.some(event => event.type === 'claude.tool.started'))
  child.kill('SIGKILL')
  await made.ended(child)
  const { code, report } = await finish(made)
  expect(code).toBe(0)
  expect(report).toMatchObject({ outcome: 'failed', code: 'agent_crashed' })
  expect(made.seen.length).toBe(1)
})

test('a report that is lost is sent again until somebody takes it', async () => {
  const made = await createAttempt({ script: steps(bash('echo 1 > one'), say('Done.')) })
  made.gateway.loseReports(true)
  const child = made.start()
  await made.gateway.until(() => made.gateway.lostReports() === 2)
  made.gateway.loseReports(false)
  expect(await made.ended(child)).toBe(0)
  expect(made.gateway.settled).toMatchObject([{ outcome: 'completed', headCommit: made.tip() }])
})

test('a runner that is started again when its work is done repeats its report and does nothing else', async () => {
  const made = await createAttempt({ script: steps(bash('echo 1 > one'), say('Done.')) })
  made.gateway.loseReports(true)
  const child = made.start()
  await made.gateway.until(() => made.gateway.lostReports() === 1)
  child.kill('SIGKILL')
  await made.ended(child)
  const [asked, tip] = [made.seen.length, made.tip()]
  made.gateway.loseReports(false)
  const { code, report } = await finish(made)
  expect({ code, report }).toMatchObject({ code: 0, report: { outcome: 'completed', headCommit: tip } })
  expect({ asked: made.seen.length, tip: made.tip() }).toEqual({ asked, tip })
})

test('a runner that is started again while cloning begins anew under the same nonce', async () => {
  const made = await createAttempt({
    order: { setup: ['[ -e ../second ] || { touch ../second; sleep 300; }'] },
  })
  const child = made.start()
  await made.gateway.until(() => made.gateway.events.some(event => event.type === 'log'))
  child.kill('SIGKILL')
  await made.ended(child)
  const { code, report } = await finish(made)
  expect({ code, report }).toMatchObject({ code: 0, report: { outcome: 'completed' } })
})

test('another runner that asks for the same order is turned away', async () => {
  const made = await createAttempt()
  await finish(made)
  execFileSync('rm', ['-r', `${made.repository}/../.flowforge`])
  expect(await made.ended(made.start())).toBe(1)
  expect(made.stderr()).toContain('taken')
})

test('the egress proxy is reached by CONNECT with the token, and streams both ways', async () => {
  const made = await createAttempt({
    order: {
      egress: true,
      setup: [
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell fills it in
        'exec 3<>/dev/tcp/127.0.0.1/${https_proxy##*:}; printf "CONNECT 127.0.0.1:${https_proxy##*:} HTTP/1.1\\r\\nProxy-Authorization: Basic $(printf %s "${https_proxy#http://}" | sed "s/@.*//" | base64 -w0)\\r\\n\\r\\n" >&3; head -n 1 <&3',
      ],
    },
  })
  const { report } = await finish(made)
  expect(report).toMatchObject({ outcome: 'completed' })
  const tunnel = made.gateway.requests.find(({ path }) => path.startsWith('CONNECT'))
  expect(tunnel?.authorization).toBe(`Basic ${Buffer.from(`flowforge:${TOKEN}`).toString('base64')}`)
  expect(JSON.stringify(made.gateway.events)).toContain('HTTP/1.1 200 OK')
})
