// The scripts that the dummy executor plays. Chosen by a test, or by a mark in the task: `[dummy: flood 1000]`.
import { setTimeout as delay } from 'node:timers/promises'
import { FailureCode, type RunnerEvent, STAGES, type WorkOrder } from '@flowforge/protocol'
import { converse } from './conversation.ts'
import type { Behaviour, DummyExit } from './executor.ts'
import { createDummyRunner, type DummyRunner } from './runner.ts'

type Script = (runner: DummyRunner, argument: string) => Promise<DummyExit>

const OK: DummyExit = { exitCode: 0 }
/** 128 + TERM. */
const TERMINATED: DummyExit = { exitCode: 143 }

const SCRIPTS = {
  /** Does all that a runner does for a task that needs no change. */
  succeed: async runner => {
    const order = await runner.order()
    await runner.report([...stagesUpTo('working'), message('There is nothing to change.')])
    await settleCompleted(runner, order)
    return OK
  },
  /** Settles as failed with this code. */
  fail: async (runner, argument) => {
    await runner.order()
    const code = FailureCode.catch('agent_error').parse(argument)
    await runner.settle({ outcome: 'failed', code, message: 'The scripted failure.', verify: [] })
    return OK
  },
  /** Ends with this code and without a last word. */
  exit: async (runner, argument) => {
    await runner.order()
    return { exitCode: Number.parseInt(argument || '1', 10) }
  },
  oom: async runner => {
    await runner.order()
    return { exitCode: 137, oomKilled: true }
  },
  /** Ignores TERM: ends when it is killed. */
  hang: async runner => {
    await runner.order()
    return await new Promise(() => {})
  },
  /** Works until TERM. */
  linger: async runner => {
    await runner.order()
    await runner.report(stagesUpTo('working'))
    return untilTerminated(runner)
  },
  /** Says something ten times a second for so many seconds, then succeeds. */
  work: async (runner, argument) => {
    const order = await runner.order()
    await workSeconds(runner, argument)
    await settleCompleted(runner, order)
    return OK
  },
  /** The same, with a commit that it pushes to the job's branch. */
  push: async (runner, argument) => {
    const order = await runner.order()
    await workSeconds(runner, argument)
    const headCommit = order.phase === 'agent' ? await runner.push() : undefined
    await settleCompleted(runner, order, headCommit)
    return OK
  },
  /** Says nothing more once it is at this stage, and ends on TERM. */
  'stall-at': async (runner, argument) => {
    await runner.order()
    await runner.report(stagesUpTo(argument))
    return untilTerminated(runner)
  },
  /** Ends with this code the first time that this job is tried, and succeeds from then on. */
  'exit-once': async (runner, argument) => {
    const order = await runner.order()
    if (!triedOnce.has(order.jobId)) {
      triedOnce.add(order.jobId)
      return { exitCode: Number.parseInt(argument || '1', 10) }
    }
    await settleCompleted(runner, order)
    return OK
  },
  /** Reports so many lines, then succeeds. */
  flood: async (runner, argument) => {
    const order = await runner.order()
    const count = Number.parseInt(argument || '1000', 10)
    await runner.report(Array.from({ length: count }, (_, index) => line(`line ${index + 1} of ${count}`)))
    await settleCompleted(runner, order)
    return OK
  },
  'never-connect': untilTerminated,
  /** Asks so many questions, one after the other, and tells what it was answered. */
  ask: (runner, argument) => converse(runner, 'question', Number(argument || 1)),
  /** Asks, and hears nothing any more. */
  'ask-deaf': async runner => {
    await runner.order()
    const input = { questions: [] }
    await runner.report([
      { type: 'approval.requested', data: { requestId: 'deaf', kind: 'question', input } },
    ])
    return untilTerminated(runner)
  },
  /** Shows a plan until it is approved. */
  plan: runner => converse(runner, 'plan', 1),
  /** Somebody else in the container asks for the order with a nonce of his own. */
  'connect-twice': async runner => {
    const order = await runner.order()
    await runner.report([line(`the second nonce was answered ${await runner.orderAsAnother()}`)])
    await settleCompleted(runner, order)
    return OK
  },
  /** Reports the stages up to this one and dies. */
  'die-at': async (runner, argument) => {
    await runner.order()
    await runner.report(stagesUpTo(argument))
    return { exitCode: 1 }
  },
} satisfies Record<string, Script>

export type BehaviourName = keyof typeof SCRIPTS

/** `dummyBehaviour('exit', '3')`. */
export const dummyBehaviour =
  (name: BehaviourName, argument = ''): Behaviour =>
  context =>
    SCRIPTS[name](createDummyRunner(context), argument)

/** What FLOWFORGE_EXECUTOR=dummy runs: the mark in the task says which script, without one it succeeds. */
export const behaviourFromTask: Behaviour = async context => {
  const runner = createDummyRunner(context)
  const order = await runner.order()
  const { name, argument } = readMark(order.phase === 'agent' ? order.task : '')
  return SCRIPTS[name](runner, argument)
}

/** `[dummy: exit 3]` or `[dummy: exit:3]`. */
export const readMark = (task: string): { name: BehaviourName; argument: string } => {
  const [, name = '', argument = ''] = task.match(/\[dummy: ([a-z-]+)(?:[ :]([^\]]*))?\]/) ?? []
  const known = Object.hasOwn(SCRIPTS, name)
  return known
    ? { name: name as BehaviourName, argument: argument.trim() }
    : { name: 'succeed', argument: '' }
}

async function untilTerminated({ context }: DummyRunner): Promise<DummyExit> {
  const { terminated } = context
  if (!terminated.aborted)
    await new Promise(resolve => terminated.addEventListener('abort', resolve, { once: true }))
  return TERMINATED
}

const triedOnce = new Set<string>()

const LINE_MS = 100

async function workSeconds(runner: DummyRunner, seconds: string): Promise<void> {
  await runner.report(stagesUpTo('working'))
  const lines = Math.round((Number(seconds || '0') * 1000) / LINE_MS)
  for (let number = 1; number <= lines; number += 1) {
    await delay(LINE_MS, undefined, { signal: runner.context.terminated })
    await runner.report([line(`line ${number} of ${lines}`)])
  }
}

type Report = Pick<RunnerEvent, 'type' | 'data'>

const stagesUpTo = (last: string): Report[] => {
  const inside = STAGES.slice(STAGES.indexOf('cloning'), STAGES.indexOf('pushing') + 1) as string[]
  const upTo = inside.slice(0, inside.includes(last) ? inside.indexOf(last) + 1 : inside.length)
  return upTo.map(stage => ({ type: 'job.stage', data: { stage } }))
}

const message = (text: string): Report => ({ type: 'claude.message', data: { text } })
const line = (text: string): Report => ({ type: 'log', data: { stream: 'stdout', text } })

/** Every verify command passed; without a commit nothing was changed. */
const settleCompleted = (runner: DummyRunner, order: WorkOrder, headCommit?: string): Promise<void> =>
  runner.settle({
    outcome: 'completed',
    summary: 'The scripted work is done.',
    headCommit,
    verify: order.verify.map(command => ({ command, exitCode: 0, durationMs: 1, output: '' })),
  })
