// Questions, plans and permissions with the real Claude Code: answered in the container, and after it was released.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { BRANCH, createAttempt, disposeAttempts, finish, type TestAttempt } from '../test/attempt.ts'
import { bash, say, steps } from '../test/claude-script.ts'
import type { Answer, MessagesRequest } from '../test/messages-api.ts'

vi.setConfig({ testTimeout: 120_000 })
afterEach(disposeAttempts)

let uses = 0
const use = (name: string, input: Record<string, unknown>): Answer => {
  uses += 1
  return { blocks: [{ type: 'tool_use', id: `toolu_ask_${uses}`, name, input }] }
}
const QUESTION = {
  question: 'Which colour should it be?',
  header: 'Colour',
  multiSelect: false,
  options: [
    { label: 'Red', description: 'Warm' },
    { label: 'Blue', description: 'Cool' },
  ],
}
const askColour = () => use('AskUserQuestion', { questions: [QUESTION] })

interface Asked {
  requestId: string
  kind: string
  input: { plan?: string; tool?: string; text?: string }
}
const asked = (made: TestAttempt): Asked[] =>
  made.gateway.events.filter(({ type }) => type === 'approval.requested').map(({ data }) => data as Asked)
const isAsked = async (made: TestAttempt, count = 1): Promise<Asked> => {
  await made.gateway.until(() => asked(made).length >= count)
  return asked(made)[count - 1]!
}
const decide = (made: TestAttempt, { requestId }: Asked, verdict: object) =>
  made.gateway.command({ type: 'approve', requestId, message: 1, decision: 'allow', ...verdict })
/** Of the conversation itself, in the order of the requests. */
const conversations = (made: TestAttempt): MessagesRequest[] =>
  made.seen.map(({ body }) => body).filter(({ tools }) => (tools ?? []).length > 0)
const lastConversation = (made: TestAttempt): string => JSON.stringify(conversations(made).at(-1)?.messages)
const eventsOf = (made: TestAttempt, type: string) => made.gateway.events.filter(event => event.type === type)
const parked = async (made: TestAttempt) => {
  const child = made.start()
  made.gateway.command({ type: 'park', requestId: (await isAsked(made)).requestId })
  expect(await made.ended(child)).toBe(0)
  expect(made.gateway.problems).toEqual([])
}

describe('a question', () => {
  test('is answered in the container, and Claude goes on with the answer', async () => {
    const made = await createAttempt({
      order: { questions: 'ask' },
      script: steps(askColour(), say('Blue it is.')),
    })
    const child = made.start()
    const question = await isAsked(made)
    expect(question).toMatchObject({ kind: 'question', input: { questions: [QUESTION] } })
    // Kept before anybody can answer.
    expect(made.gateway.sessions).toHaveLength(1)
    decide(made, question, { answers: { [QUESTION.question]: 'Blue' } })
    expect(await made.ended(child)).toBe(0)
    expect(made.gateway.settled).toMatchObject([
      { outcome: 'completed', summary: 'Blue it is.', throughMessage: 1 },
    ])
    expect(lastConversation(made)).toContain('\\"Which colour should it be?\\"=\\"Blue\\"')
    expect(made.gateway.sessions.at(-1)).toMatchObject({ through: 1 })
  })

  test('is answered in free words', async () => {
    const made = await createAttempt({
      order: { questions: 'ask' },
      script: steps(askColour(), say('Fine.')),
    })
    const child = made.start()
    decide(made, await isAsked(made), { note: 'Neither: use green.' })
    expect(await made.ended(child)).toBe(0)
    expect(lastConversation(made)).toContain('Neither: use green.')
  })

  test('can not be asked where nobody answers, and Claude is told so', async () => {
    const made = await createAttempt({
      order: { questions: 'decide' },
      script: steps(askColour(), say('I decided.')),
    })
    const { report } = await finish(made)
    expect(report).toMatchObject({ outcome: 'completed', summary: 'I decided.' })
    expect(asked(made)).toEqual([])
    const [first] = conversations(made)
    expect(first?.tools?.map(({ name }) => name)).not.toContain('AskUserQuestion')
    expect(JSON.stringify(first?.system)).toContain('Nobody is there to answer questions')
  })

  test('that is interrupted ends the turn, and what was made is delivered', async () => {
    const made = await createAttempt({
      order: { questions: 'ask' },
      script: steps(bash('echo 1 > one'), askColour(), say('.')),
    })
    const child = made.start()
    await isAsked(made)
    made.gateway.command({ type: 'interrupt' })
    expect(await made.ended(child)).toBe(0)
    expect(made.gateway.settled).toMatchObject([{ outcome: 'completed', headCommit: made.tip() }])
  })
})

describe('a container that is released while Claude waits', () => {
  test('keeps conversation and uncommitted work, and another goes on with both', async () => {
    const first = await createAttempt({
      order: { questions: 'ask' },
      script: steps(
        bash('echo committed > one && git add one && git commit -qm One && echo half > two'),
        askColour(),
      ),
    })
    await parked(first)
    expect(first.gateway.settled).toMatchObject([{ outcome: 'parked', throughMessage: 0 }])
    expect(first.tip()).toBeUndefined()
    const { sessionId } = first.gateway.sessions.at(-1)!
    const second = await createAttempt({
      after: first,
      order: {
        questions: 'ask',
        resume: { sessionId, fromAttempt: 1, prompt: 'The answer is: Blue.' },
        throughMessage: 1,
        git: {
          ...restoring(first),
          restore: {
            commit: first.git('rev-parse', 'refs/flowforge/work'),
            ref: 'refs/flowforge/work',
            fromAttempt: 1,
          },
        },
      },
      script: steps(bash('git status --short; git log --format=%s'), say('Blue it is.')),
    })
    const { report } = await finish(second)
    expect(report).toMatchObject({ outcome: 'completed', summary: 'Blue it is.', throughMessage: 1 })
    expect(eventsOf(second, 'session.resumed')).toMatchObject([{ data: { sessionId, fromAttempt: 1 } }])
    expect(eventsOf(second, 'git.work.restored')).toHaveLength(1)
    // The whole conversation was sent, with the question in it and the answer behind it.
    const sent = lastConversation(second)
    expect(sent.indexOf('Do it.')).toBeGreaterThanOrEqual(0)
    expect(sent.indexOf('Which colour should it be?')).toBeGreaterThan(sent.indexOf('Do it.'))
    expect(sent.indexOf('The answer is: Blue.')).toBeGreaterThan(sent.indexOf('Which colour should it be?'))
    // What was uncommitted is so again, what was committed is a commit.
    const seen = JSON.stringify(eventsOf(second, 'claude.tool.finished')[0]?.data)
    expect(seen).toContain('?? two')
    expect(seen).toContain('One')
    expect(seen).not.toContain('Work in progress')
    expect(second.git('log', '--format=%s', BRANCH)).toBe('Do it\nOne\nBegin')
  })

  test('goes on when it is answered before it has to park', async () => {
    const made = await createAttempt({
      order: { questions: 'ask' },
      script: steps(askColour(), say('Done.')),
    })
    const child = made.start()
    const question = await isAsked(made)
    decide(made, question, { answers: { [QUESTION.question]: 'Red' } })
    made.gateway.command({ type: 'park', requestId: question.requestId })
    expect(await made.ended(child)).toBe(0)
    expect(made.gateway.settled).toMatchObject([{ outcome: 'completed' }])
  })

  test('leaves an answer that comes too late for its successor', async () => {
    const made = await createAttempt({
      order: { questions: 'ask' },
      script: steps(askColour(), say('Done.')),
    })
    const child = made.start()
    const question = await isAsked(made)
    made.gateway.command({ type: 'park', requestId: question.requestId })
    decide(made, question, { answers: { [QUESTION.question]: 'Red' } })
    expect(await made.ended(child)).toBe(0)
    expect(made.gateway.settled).toMatchObject([{ outcome: 'parked', throughMessage: 0 }])
    expect(made.gateway.sessions.at(-1)).toMatchObject({ through: 0 })
  })
})

const restoring = (of: TestAttempt) => ({
  baseBranch: 'main',
  baseCommit: of.base,
  checkoutCommit: of.base,
  checkoutRef: 'refs/heads/main',
  branch: BRANCH,
  author: { name: 'FlowForge', email: 'flowforge@example.org' },
})

describe('a plan', () => {
  const present = () => use('ExitPlanMode', { plan: '1. Write planned.txt.' })

  test('that is approved is carried out in the same conversation; before that nothing is changed', async () => {
    const made = await createAttempt({
      order: { planFirst: true, questions: 'ask' },
      script: steps(
        use('Write', { file_path: 'PLACE/early.txt', content: 'too early' }),
        present(),
        bash('echo planned > planned.txt'),
        say('Done as planned.'),
      ),
    })
    const child = made.start()
    const plan = await isAsked(made)
    expect(plan).toMatchObject({ kind: 'plan', input: { plan: expect.stringContaining('planned.txt') } })
    expect(execFileSync('git', ['-C', made.repository, 'status', '--short'], { encoding: 'utf8' })).toBe('')
    decide(made, plan, {})
    expect(await made.ended(child)).toBe(0)
    expect(made.gateway.settled).toMatchObject([{ outcome: 'completed', summary: 'Done as planned.' }])
    expect(made.git('show', `${BRANCH}:planned.txt`)).toBe('planned')
    expect(asked(made)).toHaveLength(1)
  })

  test('that is not approved is made anew with what the person said', async () => {
    const made = await createAttempt({
      order: { planFirst: true, questions: 'ask' },
      script: steps(present(), present(), bash('echo planned > planned.txt'), say('Done.')),
    })
    const child = made.start()
    decide(made, await isAsked(made), { decision: 'deny', note: 'Use tabs.' })
    const second = await isAsked(made, 2)
    expect(JSON.stringify(conversations(made).at(-1)?.messages)).toContain('Use tabs.')
    decide(made, second, { message: 2 })
    expect(await made.ended(child)).toBe(0)
    expect(made.gateway.settled).toMatchObject([{ outcome: 'completed', throughMessage: 2 }])
  })

  test('that Claude only talks about waits for what the person says', async () => {
    const made = await createAttempt({
      order: { planFirst: true, questions: 'ask' },
      script: steps(say('Shall it be fast or small?'), present(), say('Done.')),
    })
    const child = made.start()
    const talk = await isAsked(made)
    expect(talk).toMatchObject({ kind: 'reply', input: { text: 'Shall it be fast or small?' } })
    decide(made, talk, { note: 'Small.' })
    decide(made, await isAsked(made, 2), { message: 2 })
    expect(await made.ended(child)).toBe(0)
    expect(lastConversation(made)).toContain('Small.')
  })
})

describe('a rule of the repository', () => {
  const approvals = ['Bash(git push:*)']

  test('asks before the call that it names, in every form, and before no other', async () => {
    const made = await createAttempt({
      order: { approvals, questions: 'decide' },
      script: steps(bash('echo 1 > one'), bash('echo x && git push elsewhere'), say('Done.')),
    })
    const child = made.start()
    const call = await isAsked(made)
    expect(call).toMatchObject({ kind: 'tool', input: { tool: 'Bash' } })
    decide(made, call, { decision: 'deny', note: 'Not there.' })
    expect(await made.ended(child)).toBe(0)
    expect(asked(made)).toHaveLength(1)
    expect(lastConversation(made)).toContain('Not there.')
    expect(made.git('show', `${BRANCH}:one`)).toBe('1')
  })

  test('lets a call through once that was allowed while no container was there', async () => {
    const call = { command: 'git push elsewhere || echo tried >> tried', description: 'Runs it' }
    const made = await createAttempt({
      order: { approvals, questions: 'ask', allowedCalls: [{ tool: 'Bash', input: call }] },
      script: steps(use('Bash', call), use('Bash', call), say('Done.')),
    })
    const child = made.start()
    await isAsked(made)
    expect(readFileSync(join(made.repository, 'tried'), 'utf8')).toBe('tried\n')
    decide(made, asked(made)[0]!, { decision: 'deny' })
    expect(await made.ended(child)).toBe(0)
    expect(asked(made)).toHaveLength(1)
  })
})

describe('a conversation that can not be gone on with', () => {
  const order = (sessionId: string) => ({
    prompt: 'Begin anew, please.',
    resume: { sessionId, fromAttempt: 1, prompt: 'Go on.' },
  })
  const isBegunAnew = async (made: TestAttempt, reason: string) => {
    const { report } = await finish(made)
    expect(report).toMatchObject({ outcome: 'completed', summary: 'Done.' })
    expect(eventsOf(made, 'session.started_afresh')).toMatchObject([
      { data: { reason: expect.stringContaining(reason) } },
    ])
    expect(eventsOf(made, 'session.resumed')).toEqual([])
    expect(lastConversation(made)).toContain('Begin anew, please.')
  }
  const finished = async () => {
    const first = await createAttempt({ script: steps(say('First.')) })
    await finish(first)
    return first
  }

  test('because nothing was saved is begun anew, and says so', async () => {
    const made = await createAttempt({
      order: order('11111111-1111-4111-8111-111111111111'),
      script: steps(say('Done.')),
    })
    await isBegunAnew(made, 'is gone')
  })

  test('because its file is damaged is begun anew, and says so', async () => {
    const first = await finished()
    const { sessionId, archive } = first.gateway.sessions.at(-1)!
    first.gateway.sessions.push({ sessionId, through: 0, archive: archive.subarray(0, archive.length - 20) })
    const made = await createAttempt({ after: first, order: order(sessionId), script: steps(say('Done.')) })
    await isBegunAnew(made, 'can not be read')
  })

  test('because Claude Code finds nothing in it is begun anew, and says so', async () => {
    const first = await finished()
    const { sessionId, archive } = first.gateway.sessions.at(-1)!
    const content = JSON.parse(gunzipSync(archive).toString('utf8')) as object
    const emptied = gzipSync(JSON.stringify({ ...content, transcript: 'nonsense\n' }))
    first.gateway.sessions.push({ sessionId, through: 0, archive: emptied })
    const made = await createAttempt({ after: first, order: order(sessionId), script: steps(say('Done.')) })
    await isBegunAnew(made, 'could not go on')
  })

  test('because its archive leads elsewhere writes nothing there', async () => {
    const first = await finished()
    const { sessionId, archive } = first.gateway.sessions.at(-1)!
    const content = JSON.parse(gunzipSync(archive).toString('utf8')) as object
    const evil = gzipSync(JSON.stringify({ ...content, plans: { '../../../evil': 'x' } }))
    first.gateway.sessions.push({ sessionId, through: 0, archive: evil })
    const made = await createAttempt({ after: first, order: order(sessionId), script: steps(say('Done.')) })
    await isBegunAnew(made, 'can not be read')
    expect(existsSync(join(made.directory, 'evil'))).toBe(false)
  })
})
