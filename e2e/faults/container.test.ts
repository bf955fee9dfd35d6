// What can happen in and to a container: real Docker, real Claude Code, real processes that die, hang or multiply. Another
// job runs beside each fault and must not notice.
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Program } from '../../script/lib/program.ts'
import { hostedRepository } from '../repositories.ts'
import { measured } from './figures.ts'
import { expectSound, expectUnharmed, submitWatched } from './invariants.ts'
import { createInstallation, type Installation, TWO_LEASES_MS } from './processes.ts'
import { hostProcessesWith, runIn, script, untilAgentProcess, untilContainer } from './sandbox.ts'

let installation: Installation
let worker: Program
let repositoryId: string
beforeAll(async () => {
  installation = await createInstallation({ environment: { FLOWFORGE_EXECUTOR: 'docker' } })
  ;[worker] = await Promise.all([installation.startWorker(), installation.startServer()])
  repositoryId = (await hostedRepository(installation)).id
})
afterAll(() => installation.stop())

/** As packages/runner/src/main.ts has it. */
const RELAY_PORT = 7421
/** curl(1), exit codes. */
const CURL_NO_CONNECTION = 7
const CURL_TIMEOUT = 28

const submit = (task: string, more: { maxAttempts?: number; timeoutSeconds?: number } = {}) =>
  submitWatched(installation, { repositoryId, task, maxAttempts: 1, ...more })
const COUNT_TO_SIX = script('for i in $(seq 12); do echo $i; sleep 0.5; done; echo $i > counted.txt')
const working = (job: { job: { id: string } }) => installation.untilEvent(job.job, 'claude.tool.started')
/** What each fault has beside it: it must end as if nothing had happened. */
const bystander = () => submit(script('sleep 3; echo well > bystander.txt'))

it('5: the agent process is killed: agent_crashed within ten seconds, its log kept; retried by policy', async () => {
  const [once, twice, other] = [
    await submit(COUNT_TO_SIX),
    await submit(COUNT_TO_SIX, { maxAttempts: 2 }),
    await bystander(),
  ]
  for (const job of [twice, once]) {
    await working(job)
    process.kill(await untilAgentProcess(await untilContainer(installation, job.job)), 'SIGKILL')
  }
  const killed = performance.now()
  await installation.untilEvent(once.job, 'job.failed')
  expect(measured('5 · a killed agent is noticed', killed)).toBeLessThan(10_000)
  const [failed, retried, well] = await expectSound(installation, [once, twice, other])
  expect(failed).toMatchObject({ state: 'failed', reason: { code: 'agent_crashed' } })
  expect(once.seen.map(event => event.type)).toContain('claude.tool.started')
  expect(retried).toMatchObject({ state: 'succeeded', attempt: 2 })
  await expectUnharmed(installation, well!)
})

it('6: out of memory: oom, not just any failure', async () => {
  // Claude Code offers its tools to the kernel before itself. These take the offer back, and six of them share what there
  // is, so that Claude is the one that the kernel ends.
  const hog = `node -e 'for (const all = []; ; ) all.push(Buffer.alloc(1e8, 1))'`
  const greedy = await submit(
    script(
      `echo 500 >/proc/self/oom_score_adj; until [ -e /tmp/go ]; do sleep 0.1; done; for i in 1 2 3 4 5 6; do ${hog} & done; wait; sleep 60`,
    ),
    { timeoutSeconds: 90 },
  )
  const other = await bystander()
  await working(greedy)
  const container = await untilContainer(installation, greedy.job)
  await writeFile(`/proc/${await untilAgentProcess(container)}/oom_score_adj`, '1000')
  await runIn(container, 'touch', '/tmp/go')
  const [ended, well] = await expectSound(installation, [greedy, other])
  expect(ended, ended!.reason?.message).toMatchObject({ state: 'failed', reason: { code: 'oom' } })
  await expectUnharmed(installation, well!)
})

it('8: the container is removed by hand: noticed within two leases, the job starts again', async () => {
  const [job, other] = [await submit(COUNT_TO_SIX, { maxAttempts: 2 }), await bystander()]
  await working(job)
  await (await untilContainer(installation, job.job)).remove({ force: true })
  const removed = performance.now()
  const lost = await installation.untilEvent(job.job, 'job.retried')
  expect(measured('8 · a removed container is noticed', removed)).toBeLessThan(TWO_LEASES_MS)
  expect(lost.data).toMatchObject({ reason: { code: 'agent_crashed' } })
  const [ended, well] = await expectSound(installation, [job, other])
  expect(ended).toMatchObject({ state: 'succeeded', attempt: 2 })
  await expectUnharmed(installation, well!)
})

it('16: the gateway dies: nothing gets out of the container meanwhile, and it connects again', async () => {
  const job = await submit(COUNT_TO_SIX)
  await working(job)
  const container = await untilContainer(installation, job.job)
  worker.kill('SIGKILL')
  await worker.ended
  const from = (url: string) => runIn(container, 'curl', '--silent', '--max-time', '1', '--noproxy', '*', url)
  // The relay in the container holds what is asked until there is a gateway; beside it there is no way out.
  expect(await from(`http://127.0.0.1:${RELAY_PORT}/claude/v1/models`)).toMatchObject({
    exitCode: CURL_TIMEOUT,
  })
  expect(await from(installation.model.url)).toMatchObject({ exitCode: CURL_NO_CONNECTION })
  expect(await from('http://192.0.2.1/')).toMatchObject({ exitCode: CURL_NO_CONNECTION })
  worker = await installation.startWorker()
  const [ended] = await expectSound(installation, [job])
  await expectUnharmed(installation, ended!)
})

it('22: an agent that hears no SIGTERM and leaves daemons behind is gone with all of them at its deadline', async () => {
  const mark = `faults22-${installation.directory.slice(-6)}`
  const deaf = `trap "" TERM INT HUP; while :; do sleep 1; done # ${mark}`
  const job = await submit(
    script(`setsid nohup sh -c '${deaf}' >/dev/null 2>&1 &\nsetsid -f sh -c '${deaf}'\nsh -c '${deaf}'`),
    { timeoutSeconds: 10 },
  )
  const other = await bystander()
  await working(job)
  await expect.poll(() => hostProcessesWith(mark), { timeout: 10_000 }).not.toHaveLength(0)
  const [ended, well] = await expectSound(installation, [job, other])
  expect(ended).toMatchObject({ state: 'failed', reason: { code: 'timeout' } })
  const tookMs = Date.parse(ended!.finishedAt!) - Date.parse(ended!.startedAt!)
  console.info(
    `measured  22 · from the start to the end at a deadline of 10 s: ${(tookMs / 1000).toFixed(1)} s`,
  )
  expect(tookMs).toBeLessThan(25_000)
  expect(await hostProcessesWith(mark)).toEqual([])
  await expectUnharmed(installation, well!)
})

it('23: a fork bomb stays in its container', async () => {
  const bomb = await submit(script('bomb() { bomb | bomb & }; bomb; sleep 60'), { timeoutSeconds: 12 })
  await working(bomb)
  const other = await bystander()
  const [ended, well] = await expectSound(installation, [bomb, other])
  expect(ended!.state).toBe('failed')
  await expectUnharmed(installation, well!)
})
