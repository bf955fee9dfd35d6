import { expect, test } from 'vitest'
import type { StreamedEvent } from '../api/types.ts'
import type { Row, ShownEntry } from './entries.ts'
import { emptyTranscript, reduceTranscript, rowsOf, type Transcript } from './reduce.ts'

let seq = 0
const event = (type: string, data: unknown = {}) =>
  ({
    seq: type === 'claude.text.delta' ? undefined : ++seq,
    jobId: 'j',
    attempt: 1,
    at: '2026-01-01T00:00:00Z',
    type,
    data,
  }) as StreamedEvent
const started = (toolUseId: string, name = 'Bash', parentToolUseId?: string) =>
  event('claude.tool.started', { toolUseId, name, input: {}, parentToolUseId })
const finished = (toolUseId: string, ok = true, parentToolUseId?: string) =>
  event('claude.tool.finished', { toolUseId, ok, output: 'out', durationMs: 5, parentToolUseId })
const message = (text: string, parentToolUseId?: string) => event('claude.message', { text, parentToolUseId })
const delta = (text: string, parentToolUseId?: string) =>
  event('claude.text.delta', { text, parentToolUseId })

const play = (...events: StreamedEvent[]) => reduceTranscript(emptyTranscript, events)
const rows = (transcript: Transcript): Row[] => rowsOf(transcript, () => true)
const words = ({ entry, depth }: Row) => `${'  '.repeat(depth)}${describe(entry)}`
const describe = (entry: ShownEntry) =>
  entry.kind === 'tool'
    ? `${entry.name}:${entry.result ? (entry.result.ok ? 'ok' : 'failed') : entry.abandoned ? 'abandoned' : 'running'}`
    : entry.kind === 'verify'
      ? `${entry.command}:${entry.result?.exitCode ?? (entry.abandoned ? 'abandoned' : 'running')}`
      : entry.kind === 'notice'
        ? entry.title
        : entry.kind === 'request'
          ? `${entry.asks}:${entry.verdict?.decision ?? (entry.isClosed ? 'closed' : 'open')}`
          : `${entry.kind}:${entry.text}`

test('a tool call is one entry from start to finish', () => {
  const running = play(message('I look.'), started('t1'))
  expect(rows(running).map(words)).toEqual(['message:I look.', 'Bash:running'])
  const done = reduceTranscript(running, [finished('t1', false)])
  expect(rows(done).map(words)).toEqual(['message:I look.', 'Bash:failed'])
  expect(rows(running).map(words)[1]).toBe('Bash:running')
})

test('what Claude writes is shown while it is written, once', () => {
  const typing = play(delta('Hel'), delta('lo'))
  expect(rows(typing).map(words)).toEqual(['typing:Hello'])
  expect(rows(reduceTranscript(typing, [message('Hello!')])).map(words)).toEqual(['message:Hello!'])
})

test('parallel sub-agents stay apart, each below the tool that started it', () => {
  const transcript = play(
    started('a', 'Task'),
    started('b', 'Task'),
    started('a1', 'Grep', 'a'),
    message('from b', 'b'),
    finished('a1', true, 'a'),
    message('from a', 'a'),
    delta('writing', 'b'),
  )
  expect(rows(transcript).map(words)).toEqual([
    'Task:running',
    '  Grep:ok',
    '  message:from a',
    'Task:running',
    '  message:from b',
    '  typing:writing',
  ])
  expect(rowsOf(transcript, () => false).map(words)).toEqual(['Task:running', 'Task:running'])
})

test('a batch leaves the transcript before it untouched, nested entries included', () => {
  const before = play(started('a', 'Task'), started('a1', 'Grep', 'a'))
  const snapshot = JSON.stringify(before.entries)
  const after = reduceTranscript(before, [finished('a1', true, 'a'), message('x', 'a')])
  expect(JSON.stringify(before.entries)).toBe(snapshot)
  expect(after.entries[0]).not.toBe(before.entries[0])
})

test('what belongs to a tool that is not known goes to the end', () => {
  expect(rows(play(message('lost', 'nobody'), finished('nobody'))).map(words)).toEqual(['message:lost'])
})

test('verify runs get their result, also when the start was not seen', () => {
  const data = { round: 1, clean: false, durationMs: 9, output: '' }
  const transcript = play(
    event('verify.started', { command: 'npm test', ...data }),
    event('verify.finished', { command: 'npm test', exitCode: 1, ...data }),
    event('verify.finished', { command: 'npm run lint', exitCode: 0, ...data }),
  )
  expect(rows(transcript).map(words)).toEqual(['npm test:1', 'npm run lint:0'])
})

test('neighbouring log lines become one block, bounded in size', () => {
  const log = (stream: string, text: string) => event('log', { stream, text })
  const transcript = play(log('stdout', 'a'), log('stdout', 'b\n'), log('stdout', 'c'), log('stderr', 'd'))
  expect(rows(transcript).map(words)).toEqual(['log:a\nb\nc', 'log:d'])
  const many = play(...Array.from({ length: 1_000 }, () => log('stdout', 'x')))
  expect(many.entries).toHaveLength(5)
})

test('the end of an attempt leaves nothing running', () => {
  const transcript = play(
    started('a', 'Task'),
    started('a1', 'Bash', 'a'),
    event('verify.started', { command: 'npm test', round: 1, clean: true }),
    delta('half a sen'),
    event('job.failed', { reason: { code: 'oom', message: 'Out of memory' } }),
  )
  expect(rows(transcript).map(words)).toEqual([
    'Task:abandoned',
    '  Bash:abandoned',
    'npm test:abandoned',
    'Job failed',
  ])
})

test('blocked network access and denied acts are told', () => {
  const transcript = play(
    event('egress.blocked', { host: 'evil.example', port: 443, reason: 'not on the list' }),
    event('policy.denied', { what: 'push to main', reason: 'own branch only' }),
  )
  expect(rows(transcript).map(words)).toEqual([
    'Network access to evil.example:443 blocked',
    'Not allowed: push to main',
  ])
})

test('events of a type that a newer server may send are passed over', () => {
  expect(play(event('claude.telepathy', { anything: 1 })).entries).toEqual([])
})

test('a long job costs no more per event than a short one', () => {
  let transcript = emptyTranscript
  const begun = performance.now()
  for (let page = 0; page < 200; page += 1) {
    const events = Array.from({ length: 250 }, (_, n) => [
      started(`p${page}n${n}`),
      finished(`p${page}n${n}`),
    ]).flat()
    transcript = reduceTranscript(transcript, events)
  }
  expect(transcript.entries).toHaveLength(50_000)
  expect(performance.now() - begun).toBeLessThan(5_000)
})

test('what Claude asks is open until somebody decides it, or nobody can any more', () => {
  const ask = (requestId: string, kind: string) => event('approval.requested', { requestId, kind, input: {} })
  const asked = play(ask('q', 'question'), ask('p', 'plan'), ask('r', 'reply'))
  expect(rows(asked).map(words)).toEqual(['question:open', 'plan:open', 'reply:open'])
  const decided = reduceTranscript(asked, [
    event('approval.decided', { requestId: 'q', decision: 'allow' }),
    event('reply.received', { text: 'Go on.' }),
  ])
  expect(rows(decided).map(words)).toEqual(['question:allow', 'plan:open', 'reply:allow', 'reply:Go on.'])
  // The container is gone, the question stays.
  const parked = reduceTranscript(decided, [event('attempt.parked', { number: 1 })])
  expect(rows(parked).map(words)[1]).toBe('plan:open')
  const over = reduceTranscript(parked, [event('job.cancelled', {})])
  expect(rows(over).map(words)[1]).toBe('plan:closed')
})
