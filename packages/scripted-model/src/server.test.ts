import { get } from 'node:http'
import Anthropic from '@anthropic-ai/sdk'
import { afterEach, describe, expect, test } from 'vitest'
import {
  createScriptedModel,
  type RecordedRequest,
  type ScenarioInput,
  type ScriptedModel,
  type ScriptedModelOptions,
} from './server.ts'

const SCENARIOS: ScenarioInput[] = [
  { name: 'hello', default: true, steps: [{ text: 'Hello, {{task}}' }] },
  {
    name: 'tool',
    steps: [
      { text: 'Looking', tools: [{ name: 'Bash', input: { command: 'ls {{cwd}}' } }] },
      { text: 'Saw {{lastToolResult}}' },
    ],
  },
  { name: 'busy', steps: [{ error: { status: 429, retryAfter: 0, times: 2 }, text: 'At last' }] },
  { name: 'overloaded', steps: [{ error: { status: 529 } }] },
  { name: 'stall', steps: [{ stall: true, text: 'Some words, and then nothing at all' }] },
  { name: 'cut', steps: [{ cut: true, text: 'Some words, and then no connection' }] },
  { name: 'malformed', steps: [{ malformed: true, text: 'Some words, and then nonsense' }] },
  { name: 'slow', steps: [{ tokensPerSecond: 200, text: 'word '.repeat(60) }] },
]

let model: ScriptedModel

async function start(options: ScriptedModelOptions = {}): Promise<Anthropic> {
  model = await createScriptedModel({ scenarios: SCENARIOS, ...options })
  return clientWith({ apiKey: 'any' })
}
const clientWith = (options: ConstructorParameters<typeof Anthropic>[0]) =>
  new Anthropic({ baseURL: model.url, maxRetries: 0, logLevel: 'off', ...options })

const ask = (task: string) => ({
  model: 'claude-opus-5-5',
  max_tokens: 1000,
  messages: [{ role: 'user' as const, content: task }],
})
const marked = (name: string) => ask(`[scenario: ${name}]`)
const inspect = async <T = unknown>(path: string) => (await (await fetch(`${model.url}${path}`)).json()) as T

afterEach(() => model.close())

describe('an answer', () => {
  test('is the same streamed and whole', async () => {
    const client = await start()
    const whole = await client.messages.create(ask('you'))
    const streamed = await client.messages.stream(ask('you')).finalMessage()
    expect(whole.content).toEqual([{ type: 'text', text: 'Hello, you' }])
    expect(streamed).toMatchObject({ content: whole.content, usage: whole.usage, stop_reason: 'end_turn' })
    expect(whole.id).toMatch(/^msg_01\w{22}$/)
  })

  test('calls a tool, and goes on from its result', async () => {
    const client = await start()
    const question = { ...marked('tool'), system: 'Primary working directory: /srv/x' }
    const first = await client.messages.stream(question).finalMessage()
    expect(first.stop_reason).toBe('tool_use')
    const call = first.content.find(block => block.type === 'tool_use')!
    expect(call).toMatchObject({ name: 'Bash', input: { command: 'ls /srv/x' } })
    const second = await client.messages.create({
      ...question,
      messages: [
        ...question.messages,
        { role: 'assistant', content: first.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'two files' }] },
      ],
    })
    expect(second.content).toEqual([{ type: 'text', text: 'Saw two files' }])
  })

  test('ends where max_tokens ends', async () => {
    const client = await start()
    const short = await client.messages.create({ ...ask('a long task '.repeat(20)), max_tokens: 5 })
    expect(short.stop_reason).toBe('max_tokens')
    expect(short.usage.output_tokens).toBe(5)
  })

  test('reads from the prompt cache what was sent before', async () => {
    const client = await start()
    const system = [
      { type: 'text' as const, text: 'Rules. '.repeat(400), cache_control: { type: 'ephemeral' as const } },
    ]
    const first = await client.messages.create({ ...ask('you'), system })
    expect(first.usage.cache_creation_input_tokens).toBeGreaterThan(600)
    expect(first.usage.cache_read_input_tokens).toBe(0)
    const messages = [
      ...ask('you').messages,
      { role: 'assistant' as const, content: 'Hello' },
      { role: 'user' as const, content: 'And?' },
    ]
    const second = await client.messages.create({ ...ask('you'), system, messages })
    expect(second.usage.cache_read_input_tokens).toBeGreaterThan(600)
    expect(second.usage.cache_creation_input_tokens).toBeLessThan(50)
  })

  test('says that it is scripted, and has a request id, also when it is an error', async () => {
    await start()
    for (const path of ['/', '/v1/models', '/nowhere']) {
      const response = await fetch(`${model.url}${path}`, { method: 'HEAD' })
      expect(response.headers.get('x-scripted-model')).toBe('1')
      expect(response.headers.get('request-id')).toMatch(/^req_01/)
    }
  })

  test('arrives slowly when the step has a pace, and at once when the server has none', async () => {
    const client = await start()
    let deltas = 0
    const startedAt = performance.now()
    await client.messages
      .stream(marked('slow'))
      .on('text', () => deltas++)
      .finalMessage()
    expect(performance.now() - startedAt).toBeGreaterThan(250)
    expect(deltas).toBeGreaterThan(10)
    await model.close()
    const hurried = await (await start({ pace: 0 })).messages.stream(marked('slow')).finalMessage()
    expect(hurried.content).toMatchObject([{ text: 'word '.repeat(60).trimEnd() }])
    expect(model.requests()[0]?.durationMs).toBeLessThan(200)
  })
})

describe('a request that the API would refuse', () => {
  test('with another key gets 401, with the right one an answer', async () => {
    await start({ apiKey: 'right' })
    const refused = clientWith({ apiKey: 'wrong' }).messages.create(ask('you'))
    await expect(refused).rejects.toThrow(Anthropic.AuthenticationError)
    await expect(refused).rejects.toMatchObject({
      status: 401,
      requestID: expect.stringMatching(/^req_/),
      error: { type: 'error', error: { type: 'authentication_error', message: 'Invalid bearer token' } },
    })
    await expect(clientWith({ apiKey: 'right' }).messages.create(ask('you'))).resolves.toBeTruthy()
  })

  test('may carry its key in either header', async () => {
    await start({ apiKey: 'right' })
    const listModels = (headers: Record<string, string>) => fetch(`${model.url}/v1/models`, { headers })
    expect((await listModels({ 'x-api-key': 'right' })).status).toBe(200)
    expect((await listModels({ authorization: 'Bearer right' })).status).toBe(200)
    const refused = await listModels({ 'x-api-key': 'wrong' })
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(await refused.json()).toMatchObject({ error: { message: 'invalid x-api-key' } })
  })

  test('without a key gets 401 even where any key will do', async () => {
    await start()
    expect((await fetch(`${model.url}/v1/models`)).status).toBe(401)
  })

  test('with an unknown model gets 404', async () => {
    const client = await start()
    const refused = client.messages.create({ ...ask('you'), model: 'gpt-4' })
    await expect(refused).rejects.toMatchObject({
      status: 404,
      error: { error: { type: 'not_found_error', message: 'model: gpt-4' } },
    })
  })

  const post = (body: string, headers: Record<string, string> = { 'anthropic-version': '2023-06-01' }) =>
    fetch(`${model.url}/v1/messages`, { method: 'POST', body, headers: { 'x-api-key': 'k', ...headers } })
  const { max_tokens, ...unlimited } = ask('you')

  test.each([
    ['no JSON', '{', 'The request body is not valid JSON'],
    ['a missing field', JSON.stringify(unlimited), 'max_tokens: Field required'],
    [
      'no messages',
      JSON.stringify({ ...ask('x'), messages: [] }),
      'messages: at least one message is required',
    ],
    ['no object', '[]', 'Invalid input: expected object, received array'],
    [
      'a result without a call',
      JSON.stringify({
        ...ask('x'),
        messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1' }] }],
      }),
      'messages.0: unexpected `tool_use_id` found in `tool_result` blocks: t1',
    ],
    [
      'a call without its result',
      JSON.stringify({
        ...ask('x'),
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'Bash', input: {} }] },
          { role: 'user', content: 'y' },
        ],
      }),
      'messages.2: `tool_use` ids were found without `tool_result` blocks immediately after: t1',
    ],
  ])('with %s gets 400 and a reason', async (_what, body, message) => {
    await start()
    const response = await post(body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringContaining(message) },
      request_id: response.headers.get('request-id'),
    })
  })

  test('without a version, with another method, or for another path is refused', async () => {
    await start()
    expect((await post(JSON.stringify(ask('x')), {})).status).toBe(400)
    expect((await fetch(`${model.url}/v1/messages`, { headers: { 'x-api-key': 'k' } })).status).toBe(405)
    expect((await fetch(`${model.url}/v1/files`, { headers: { 'x-api-key': 'k' } })).status).toBe(404)
  })

  test('for a path that is no path is refused, and harms nobody', async () => {
    await start()
    const paths = ['//', '/v1/models/%', '/v1/models/%00', '/_/requests/..%2f/body']
    for (const path of paths) {
      const status = await new Promise<number | undefined>((resolve, reject) =>
        get({ port: model.port, path, headers: { 'x-api-key': 'k' } }, response =>
          resolve(response.resume().statusCode),
        ).on('error', reject),
      )
      expect(status).toBe(404)
    }
  })

  test('that is larger than the API takes gets 413', async () => {
    await start()
    expect((await post('x'.repeat(32_000_001))).status).toBe(413)
  })
})

describe('a step that fails', () => {
  test('fails as often as it says in each conversation, then goes on', async () => {
    await start()
    const attempt = (user: string) =>
      clientWith({ apiKey: 'k' })
        .messages.create({ ...marked('busy'), metadata: { user_id: user } })
        .then(
          () => 200,
          (error: InstanceType<typeof Anthropic.APIError>) => error.status,
        )
    expect([
      await attempt('a'),
      await attempt('b'),
      await attempt('a'),
      await attempt('a'),
      await attempt('b'),
    ]).toEqual([429, 429, 429, 200, 429])
  })

  test('is survived by a client that tries again', async () => {
    await start()
    const answer = await clientWith({ apiKey: 'k', maxRetries: 2 }).messages.create(marked('busy'))
    expect(answer.content).toMatchObject([{ text: 'At last' }])
  })

  test('says with the headers of the API whether and when to try again', async () => {
    const client = await start()
    const headersOf = (name: string) =>
      client.messages
        .create(marked(name))
        .catch((error: InstanceType<typeof Anthropic.APIError>) => error.headers as Headers)
    const busy = (await headersOf('busy')) as Headers
    expect([busy.get('retry-after'), busy.get('x-should-retry')]).toEqual(['0', 'true'])
    await expect(client.messages.create(marked('overloaded'))).rejects.toMatchObject({
      status: 529,
      error: { error: { type: 'overloaded_error' } },
    })
  })

  test('stalls until the client leaves', async () => {
    const client = await start()
    const stream = client.messages.stream(marked('stall'))
    const ended = stream.done().catch((error: Error) => error)
    await new Promise<void>(resolve => stream.once('text', () => resolve()))
    expect(model.requests()[0]?.outcome).toBeUndefined()
    stream.abort()
    expect(await ended).toBeInstanceOf(Anthropic.APIUserAbortError)
    await expect.poll(() => model.requests()[0]?.outcome).toBe('stalled')
  })

  test.each(['cut', 'malformed'])('breaks off in the middle: %s', async name => {
    const client = await start()
    const seen: string[] = []
    const streamed = client.messages
      .stream(marked(name))
      .on('text', text => seen.push(text))
      .finalMessage()
    await expect(streamed).rejects.toThrow()
    await expect(client.messages.create(marked(name))).rejects.toThrow()
    expect(model.requests().map(({ outcome }) => outcome)).toEqual([name, name])
  })

  test('does not keep the server from closing', async () => {
    const client = await start()
    const stream = client.messages.stream(marked('stall'))
    const ended = stream.done().catch((error: Error) => error)
    await new Promise<void>(resolve => stream.once('text', () => resolve()))
    await model.close()
    expect(await ended).toBeInstanceOf(Error)
    await start()
  })
})

describe('beside the messages', () => {
  test('tokens are counted and models are listed', async () => {
    const client = await start()
    const { max_tokens: _, ...question } = ask('a'.repeat(400))
    expect((await client.messages.countTokens(question)).input_tokens).toBeGreaterThan(100)
    const models = await client.models.list()
    expect(models.data.map(({ id }) => id)).toContain('claude-opus-5-5')
    expect((await client.models.retrieve('claude-sonnet-5-5')).type).toBe('model')
    await expect(client.models.retrieve('nothing')).rejects.toMatchObject({ status: 404 })
  })

  test('a side call of Claude Code that wants JSON gets JSON', async () => {
    const client = await start()
    const title = await client.messages.create({
      ...ask('Mend the parser'),
      system: "You are Claude Code, Anthropic's official CLI for Claude.",
      output_config: {
        format: {
          type: 'json_schema',
          schema: { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] },
        },
      },
    })
    expect(title.content).toEqual([{ type: 'text', text: '{"title":"Mend the parser"}' }])
  })
})

describe('the record', () => {
  test('holds who asked what and what it came to, until it is cleared', async () => {
    await start()
    const answer = await clientWith({ apiKey: null, authToken: 'token-1' }).messages.create(marked('tool'))
    const { requests } = await inspect<{ requests: RecordedRequest[] }>('/_/requests')
    expect(requests).toEqual(model.requests())
    expect(requests).toMatchObject([
      {
        method: 'POST',
        path: '/v1/messages',
        auth: { scheme: 'bearer', key: 'token-1' },
        model: 'claude-opus-5-5',
        stream: false,
        scenario: 'tool',
        step: '0.0',
        status: 200,
        outcome: 'complete',
        usage: { outputTokens: answer.usage.output_tokens },
      },
    ])
    expect(await inspect(`/_/requests/${requests[0]?.id}/body`)).toEqual(marked('tool'))
    expect(await inspect('/_/usage')).toMatchObject({
      requests: 1,
      messages: 1,
      outputTokens: answer.usage.output_tokens,
    })
    await fetch(`${model.url}/_/requests`, { method: 'DELETE' })
    expect(model.requests()).toEqual([])
    expect(await inspect('/_/usage')).toMatchObject({ requests: 0, outputTokens: 0 })
  })
})

test('500 streams are served at the same time', { timeout: 60_000 }, async () => {
  const client = await start()
  const streams = Array.from({ length: 500 }, () => client.messages.stream(marked('slow')).finalMessage())
  const answers = await Promise.all(streams)
  expect(answers.every(answer => answer.stop_reason === 'end_turn')).toBe(true)
  expect(model.requests()).toHaveLength(500)
})
