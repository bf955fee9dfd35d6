// Setup, verify with feedback, and the clean verify phase, with the real Claude Code and a scripted Messages API.
import { afterEach, expect, test, vi } from 'vitest'
import { BRANCH, createAttempt, disposeAttempts, finish } from '../test/attempt.ts'
import { bash, say, steps } from '../test/claude-script.ts'

// Claude Code alone takes a third of a second to start, on a quiet machine.
vi.setConfig({ testTimeout: 120_000 })
afterEach(disposeAttempts)

test('a failing verify is given back to Claude, which mends it in the same session', async () => {
  const made = await createAttempt({
    order: { verify: ['test -f needed || { echo "needed is missing" >&2; exit 3; }'], verifyRounds: 2 },
    script: steps(bash('echo 1 > one'), say('First try.'), bash('echo 2 > needed'), say('Second try.')),
  })
  const { report } = await finish(made)
  expect(report).toMatchObject({ outcome: 'completed', summary: 'Second try.', headCommit: made.tip() })
  expect(report?.verify).toMatchObject([{ exitCode: 0 }])
  const feedback = JSON.stringify(made.seen[2]?.body.messages.at(-1))
  expect(feedback).toContain('exit code 3')
  expect(feedback).toContain('needed is missing')
  expect(made.seen[2]?.body.messages.length).toBeGreaterThan(3)
  const finished = made.gateway.events.filter(event => event.type === 'verify.finished')
  expect(finished.map(event => event.data)).toMatchObject([
    { round: 1, clean: false, exitCode: 3, output: 'needed is missing\n' },
    { round: 2, clean: false, exitCode: 0 },
  ])
})

test('work that never passes verify fails, but is pushed all the same', async () => {
  const made = await createAttempt({
    order: { verify: ['exit 1', 'true'], verifyRounds: 1 },
    script: steps(bash('echo 1 > one'), say('Try.'), say('I can not.')),
  })
  const { report } = await finish(made)
  expect(report).toMatchObject({ outcome: 'failed', code: 'verify_failed', headCommit: made.tip() })
  expect(report?.verify.map(result => result.exitCode)).toEqual([1, 0])
  expect(made.git('show', `${BRANCH}:one`)).toBe('1')
})

test('a failing setup command ends the phase before Claude is asked anything', async () => {
  const made = await createAttempt({
    order: { setup: ['echo before', 'echo broken >&2; exit 7', 'echo never'] },
  })
  const { report } = await finish(made)
  expect(report).toMatchObject({ outcome: 'failed', code: 'setup_failed' })
  expect(report?.outcome === 'failed' && report.message).toContain('broken')
  expect(made.seen).toEqual([])
  const log = made.gateway.events.filter(event => event.type === 'log').map(event => event.data)
  expect(JSON.stringify(log)).not.toContain('never')
})

test('a command that hangs and ignores TERM is killed with all of its children', async () => {
  const made = await createAttempt({
    order: {
      setup: ['trap "" TERM; sleep 300 & echo $! > ../child; wait; sleep 300'],
      commandTimeoutSeconds: 1,
    },
  })
  const { report } = await finish(made)
  expect(report).toMatchObject({ outcome: 'failed', code: 'setup_failed' })
  expect(report?.outcome === 'failed' && report.message).toContain('stopped after 1 s')
})

test('output of any bytes and any line length is survived', async () => {
  const made = await createAttempt({
    order: {
      setup: [
        "printf 'a\\000b\\377c\\n'",
        'head -c 30000000 /dev/zero | tr "\\\\0" x; echo; echo END-OF-LONG-LINE',
        'seq 1 200000',
        // A daemon that keeps the pipe open must not keep the phase.
        'setsid sleep 30 & echo daemon',
      ],
    },
  })
  const { report } = await finish(made)
  expect(report).toMatchObject({ outcome: 'completed' })
  const texts = made.gateway.events
    .filter(event => event.type === 'log')
    .map(event => (event.data as { text: string }).text)
  const all = texts.join('')
  expect(all).toContain('a␀b\uFFFDc\n')
  expect(all).toContain('more characters of this line cut')
  expect(all).toContain('END-OF-LONG-LINE')
  expect(all).toContain('199999\n200000\n')
  expect(all.length).toBeLessThan(4_000_000)
})

test("setup and verify get the owner's variables and a proxy only when something is allowed", async () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell fills it in
  const command = 'echo "FLAVOUR=$FLAVOUR PROXY=${https_proxy:-none} TOKEN=${FLOWFORGE_ATTEMPT_TOKEN:-none}"'
  for (const egress of [false, true]) {
    const made = await createAttempt({
      order: { setup: [command], environment: { FLAVOUR: 'salt' }, egress },
    })
    await finish(made)
    const texts = made.gateway.events
      .filter(event => event.type === 'log')
      .map(event => JSON.stringify(event.data))
    const shown = texts.find(text => text.includes('FLAVOUR=salt'))
    expect(shown).toContain('TOKEN=none')
    expect(shown?.includes('PROXY=none')).toBe(!egress)
  }
})

test('the verify phase checks the pushed commit without Claude', async () => {
  const made = await createAttempt({
    phase: 'verify',
    order: {
      setup: ['echo ready > made-by-setup'],
      verify: ['test -f README.md', 'cat made-by-setup; exit 4'],
    },
  })
  const { code, report } = await finish(made)
  expect(code).toBe(0)
  expect(report).toMatchObject({ outcome: 'failed', code: 'verify_failed' })
  expect(report?.verify).toMatchObject([{ exitCode: 0 }, { exitCode: 4, output: 'ready\n' }])
  const started = made.gateway.events
    .filter(event => event.type === 'verify.started')
    .map(event => event.data)
  expect(started).toMatchObject([
    { round: 0, clean: true },
    { round: 0, clean: true },
  ])
  expect(made.gateway.requests.some(({ path }) => path.includes('git-receive-pack'))).toBe(false)
})
