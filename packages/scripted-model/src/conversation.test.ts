import { describe, expect, test } from 'vitest'
import { readConversation } from './conversation.ts'
import { MessagesRequest } from './messages-request.ts'

const text = (words: string) => ({ type: 'text', text: words })
const user = (...content: object[]) => ({ role: 'user', content })
const calls = (id: string) => ({
  role: 'assistant',
  content: [{ type: 'tool_use', id, name: 'Bash', input: {} }],
})
const says = (words: string) => ({ role: 'assistant', content: words })
const result = (id: string, content: unknown) => user({ type: 'tool_result', tool_use_id: id, content })
const reminder = text('<system-reminder>\nToday is Monday\n</system-reminder>')

const read = (messages: unknown[], rest: object = {}, agentId = '') =>
  readConversation(
    MessagesRequest.parse({
      model: 'claude-opus-5-5',
      max_tokens: 1000,
      tools: [{ name: 'Bash' }],
      messages,
      ...rest,
    }),
    agentId,
  )

describe('the task', () => {
  test('is what the person wrote, without the reminders of Claude Code', () => {
    expect(read([user(reminder, text('Fix the bug'))]).task).toBe('Fix the bug')
  })

  test('may be a plain string', () => {
    expect(read([{ role: 'user', content: 'Fix the bug' }]).task).toBe('Fix the bug')
  })
})

describe('the working directory', () => {
  const environment = '# Environment\n - Primary working directory: /srv/a b/repository\n - Platform: linux'

  test('comes from the system prompt', () => {
    expect(read([user(text('x'))], { system: [text(environment)] }).cwd).toBe('/srv/a b/repository')
  })

  test('comes from a system message within the conversation', () => {
    expect(read([user(text('x')), { role: 'system', content: [text(environment)] }]).cwd).toBe(
      '/srv/a b/repository',
    )
  })

  test("is not taken from a person's words", () => {
    expect(read([user(text('Primary working directory: /etc'))]).cwd).toBe('/workspace/repository')
  })
})

describe('the turn', () => {
  test('grows by one answer with each tool result', () => {
    const { turnIndex, turn } = read([
      user(text('go')),
      calls('a'),
      result('a', 'one'),
      calls('b'),
      result('b', 'two'),
    ])
    expect(turnIndex).toBe(0)
    expect(turn.toolResults).toEqual([undefined, 'one', 'two'])
  })

  test('begins anew when the person writes again', () => {
    const { turnIndex, turn } = read([
      user(text('go')),
      calls('a'),
      result('a', 'one'),
      says('done'),
      user(text('more')),
    ])
    expect(turnIndex).toBe(1)
    expect(turn).toEqual({ prompt: 'more', toolResults: [undefined] })
  })

  test('goes on when only a notice of background work arrives', () => {
    const { turnIndex, turn } = read([user(text('go')), says('wait'), user(reminder)])
    expect(turnIndex).toBe(0)
    expect(turn.toolResults).toHaveLength(2)
  })

  test('does not count an answer that was cut off and is asked for again', () => {
    const notice = user(
      text('Your response above was cut off mid-stream. Resume directly from where it stops.'),
    )
    expect(read([user(text('go')), says('half of'), notice]).turn).toEqual({
      prompt: 'go',
      toolResults: [undefined],
    })
  })

  test('begins anew when the person writes into an interrupted tool call', () => {
    const interrupted = user(
      { type: 'tool_result', tool_use_id: 'a', content: 'interrupted' },
      text('[Request interrupted by user for tool use]'),
      text('Rather do this'),
    )
    expect(read([user(text('go')), calls('a'), interrupted])).toMatchObject({
      turnIndex: 1,
      turn: { prompt: 'Rather do this' },
    })
  })

  test('reads a tool result that is made of blocks', () => {
    const { turn } = read([user(text('go')), calls('a'), result('a', [text('one'), text('two')])])
    expect(turn.toolResults.at(-1)).toBe('one\ntwo')
  })
})

describe('whose conversation it is', () => {
  const billing = (more = '') => [
    text(`x-anthropic-billing-header: cc_version=2; cc_entrypoint=sdk-cli;${more}`),
  ]

  test('a sub-agent is told by its header or by its system prompt', () => {
    expect(read([user(text('x'))], { system: billing(' cc_is_subagent=true;') }).kind).toBe('sub-agent')
    expect(read([user(text('x'))], {}, 'agent-1').kind).toBe('sub-agent')
  })

  test('a call of Claude Code without tools, or for one token, is a side call', () => {
    expect(read([user(text('x'))], { system: billing(), tools: [] }).kind).toBe('side')
    expect(read([user(text('quota'))], { max_tokens: 1 }).kind).toBe('side')
  })

  test('a plain client without tools has a conversation of its own', () => {
    expect(read([user(text('x'))], { tools: undefined }).kind).toBe('main')
  })

  test('the same task in two sessions makes two conversations', () => {
    const keyOf = (session: string) => read([user(text('x'))], { metadata: { user_id: session } }).key
    expect(keyOf('one')).toBe(keyOf('one'))
    expect(keyOf('one')).not.toBe(keyOf('two'))
  })
})
