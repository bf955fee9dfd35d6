// A dummy runner that needs people: asks, tells what it is answered, parks when it is told to, and goes on with what an
// earlier attempt saved. The "conversation" is a list of what it was told.
import { randomUUID } from 'node:crypto'
import type { AgentWorkOrder, RunnerCommand, WorkOrder } from '@flowforge/protocol'
import type { DummyExit } from './executor.ts'
import type { DummyRunner } from './runner.ts'

const INPUT = {
  question: {
    questions: [
      {
        question: 'Which colour should it be?',
        header: 'Colour',
        multiSelect: false,
        options: [
          { label: 'Red', description: 'Warm' },
          { label: 'Blue', description: 'Cool' },
        ],
      },
    ],
  },
  plan: { plan: '1. Do it.' },
}

interface Talk {
  sessionId: string
  heard: string[]
  through: number
}

export async function converse(
  runner: DummyRunner,
  kind: keyof typeof INPUT,
  times: number,
): Promise<DummyExit> {
  const order = await runner.order()
  if (order.phase !== 'agent') return settle(runner, order, [], 0)
  const talk = await begin(runner, order)
  let after = 0
  const asks = () =>
    kind === 'plan' ? order.planFirst !== false && !approves(talk) : talk.heard.length < times
  while (asks()) {
    const requestId = randomUUID()
    await save(runner, talk)
    await runner.report([{ type: 'approval.requested', data: { requestId, kind, input: INPUT[kind] } }])
    for (let answered = false; !answered; ) {
      for (const command of await runner.commandsAfter(after)) {
        after = command.id
        if (command.type === 'park' && command.requestId === requestId) return park(runner, talk)
        if (command.type === 'interrupt') return settle(runner, order, talk.heard, talk.through)
        answered = hear(talk, command) || answered
      }
    }
    await runner.report([{ type: 'claude.message', data: { text: `I was told: ${talk.heard.at(-1)}` } }])
  }
  await save(runner, talk)
  return settle(runner, order, talk.heard, talk.through)
}

const approves = ({ heard }: Talk): boolean =>
  heard.some(words => words.includes('allow') || words.includes('approved'))

function hear(talk: Talk, command: RunnerCommand): boolean {
  if (command.type !== 'reply' && command.type !== 'approve') return false
  talk.heard.push(command.type === 'reply' ? command.text : JSON.stringify({ ...command, id: undefined }))
  talk.through = Math.max(talk.through, command.message)
  return true
}

async function begin(runner: DummyRunner, order: AgentWorkOrder): Promise<Talk> {
  const saved = order.resume && ((await runner.savedSession()) as Talk | undefined)
  if (!order.resume || !saved) {
    if (order.afreshBecause)
      await runner.report([{ type: 'session.started_afresh', data: { reason: order.afreshBecause } }])
    return { sessionId: randomUUID(), heard: [], through: order.throughMessage ?? 0 }
  }
  const { sessionId, fromAttempt, prompt } = order.resume
  await runner.report([{ type: 'session.resumed', data: { sessionId, fromAttempt } }])
  const talk = { ...saved, heard: [...saved.heard, prompt], through: order.throughMessage ?? 0 }
  await runner.report([{ type: 'claude.message', data: { text: `I was told: ${prompt}` } }])
  return talk
}

const save = (runner: DummyRunner, talk: Talk): Promise<void> =>
  runner.saveSession(talk.sessionId, talk.through, talk)

async function park(runner: DummyRunner, talk: Talk): Promise<DummyExit> {
  await save(runner, talk)
  await runner.settle({
    outcome: 'parked',
    verify: [],
    sessionId: talk.sessionId,
    throughMessage: talk.through,
  })
  return { exitCode: 0 }
}

async function settle(
  runner: DummyRunner,
  order: WorkOrder,
  heard: string[],
  throughMessage: number,
): Promise<DummyExit> {
  const verify = order.verify.map(command => ({ command, exitCode: 0, durationMs: 1, output: '' }))
  await runner.settle({ outcome: 'completed', summary: heard.join('\n') || 'Done.', verify, throughMessage })
  return { exitCode: 0 }
}
