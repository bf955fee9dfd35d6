// Events as people read them, on a terminal and in a log.
import type { JobEvent } from '@flowforge/sdk'
import { expect, test } from 'vitest'
import { createStyle } from '../output/style.ts'
import { displayWidth } from '../output/text-width.ts'
import { stampedLines, terminalLines } from './entry-lines.ts'
import { statusLine } from './status-line.ts'
import { createTranscript } from './transcript.ts'

const START_MS = Date.parse('2026-01-01T10:00:00Z')
const event = (type: string, data: unknown, secondsIn = 0): JobEvent =>
  ({
    seq: 1,
    jobId: 'j',
    attempt: 1,
    type,
    at: new Date(START_MS + secondsIn * 1000).toISOString(),
    data,
  }) as JobEvent

const tell = (...events: JobEvent[]): string[] => {
  const transcript = createTranscript()
  return events
    .flatMap(each => transcript.entries(each))
    .flatMap(entry => terminalLines(entry, createStyle(false), 80))
}

test('a tool is one line with what it did, how long it took and how it went', () => {
  expect(
    tell(
      event('claude.tool.started', { toolUseId: 't1', name: 'Bash', input: { command: 'npm test' } }),
      event('claude.tool.finished', { toolUseId: 't1', ok: true, output: 'fine', durationMs: 800 }),
    ),
  ).toEqual(['● Bash npm test  0.8s ✓'])
})

test('a tool that failed shows the end of what it printed', () => {
  const lines = tell(
    event('claude.tool.started', {
      toolUseId: 't1',
      name: 'Read',
      input: { file_path: '/workspace/repository/a.ts' },
    }),
    event('claude.tool.finished', {
      toolUseId: 't1',
      ok: false,
      output: 'first\nno such file',
      durationMs: 10,
    }),
  )
  expect(lines).toEqual(['● Read a.ts  0.0s ✗', '  first', '  no such file'])
})

test('what is asked is told with numbered options, harmless', () => {
  const options = [{ label: 'Red', description: 'Warm' }, { label: 'Blue\u001b[2J' }]
  const questions = [{ question: 'Which colour?', multiSelect: true, options }, { question: 'Why?' }]
  expect(
    tell(event('approval.requested', { requestId: 'r', kind: 'question', input: { questions } })),
  ).toEqual(['? Which colour? (several may be chosen)', '    1. Red: Warm', '    2. Blue', '  Why?'])
  expect(
    tell(event('approval.requested', { requestId: 'r', kind: 'plan', input: { plan: '1. Go\n' } })),
  ).toEqual(['? The plan:', '  1. Go'])
  expect(tell(event('approval.requested', { requestId: 'r', kind: 'question', input: 'nonsense' }))).toEqual([
    '? ',
  ])
})

test('a stage is told with its time when it is over', () => {
  const lines = tell(
    event('job.stage', { stage: 'cloning' }, 0),
    event('job.stage', { stage: 'working' }, 2),
    event('job.failed', { reason: { code: 'oom', message: 'It ran out of memory.' } }, 5),
  )
  expect(lines).toEqual([
    '✓ Cloning  2.0s',
    '✓ Claude is working  3.0s',
    '✗ Failed (oom): It ran out of memory.',
  ])
})

test('verify results, blocked egress and neutralised settings are seen', () => {
  expect(
    tell(
      event('verify.finished', {
        command: 'npm test',
        exitCode: 1,
        durationMs: 1200,
        output: '1 failed',
        round: 1,
        clean: false,
      }),
      event('egress.blocked', { host: 'evil.example', port: 443, reason: 'not on the list' }),
      event('settings.neutralised', { file: '.claude/settings.json', keys: ['env', 'hooks'] }),
    ),
  ).toEqual([
    '✗ Verify npm test  exit 1 after 1.2s',
    '  1 failed',
    '! Network access to evil.example:443 blocked: not on the list',
    '! .claude/settings.json: ignored env, hooks',
  ])
})

test('hostile text from any field reaches the terminal as plain text', () => {
  const evil = '\u001b[2J\u001b]0;owned\u0007\rx\u202ey'
  const lines = tell(
    event('claude.message', { text: evil }),
    event('log', { stream: 'stdout', text: evil }),
    event('claude.tool.started', { toolUseId: 't', name: evil, input: { command: evil } }),
    event('claude.tool.finished', { toolUseId: 't', ok: false, output: evil, durationMs: 1 }),
    event('job.stage', { stage: evil, detail: evil }),
    event('git.pushed', { branch: evil, commit: evil, upstream: true }),
    event('job.failed', { reason: { code: evil, message: evil } }),
  )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left
  expect(lines.join('')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/)
  expect(lines.join('')).not.toContain('owned')
})

test('types and fields that this version does not know are no reason to stop', () => {
  expect(tell(event('job.teleported', { to: 'Mars' }))).toEqual([])
  const types = [
    'job.stage',
    'job.failed',
    'claude.message',
    'claude.tool.finished',
    'verify.finished',
    'git.conflict.detected',
    'log',
    'budget.warning',
  ]
  for (const type of types)
    for (const data of [{}, null, undefined]) expect(() => tell(event(type, data))).not.toThrow()
})

test('an enormous text is cut and says so', () => {
  const text = tell(event('log', { stream: 'stdout', text: 'x'.repeat(1_000_000) })).join('')
  expect(text.length).toBeLessThan(21_000)
  expect(text).toContain('980000 more characters')
})

test('in a log every line carries its time, so that none can pass for another', () => {
  const [entry] = createTranscript().entries(event('claude.message', { text: 'one\n10:00:00  ✓ Succeeded' }))
  const lines = stampedLines(entry!, '2026-01-01T10:00:00Z')
  expect(lines).toHaveLength(2)
  expect(lines[1]).toMatch(/^\d\d:\d\d:\d\d {2}10:00:00 {2}✓ Succeeded$/)
})

test('the status line names stage, tool and cost, and always fits', () => {
  const transcript = createTranscript()
  transcript.entries(event('job.stage', { stage: 'working' }, 1))
  transcript.entries(event('claude.usage', { costUsd: 0.25 }, 1))
  transcript.entries(
    event(
      'claude.tool.started',
      { toolUseId: 't', name: 'Bash', input: { command: `npm ${'日'.repeat(200)}` } },
      5,
    ),
  )
  const job = { createdAt: new Date(START_MS).toISOString() } as Parameters<typeof statusLine>[0]['job']
  const input = {
    job,
    progress: transcript.progress,
    notice: undefined,
    nowMs: START_MS + 65_000,
    style: createStyle(false),
  }
  expect(statusLine({ ...input, columns: 200 })).toContain('Claude is working 1m 04s · Bash npm 日')
  expect(statusLine({ ...input, columns: 120 })).toContain('$0.2500 · 1m 05s in all · Ctrl-C detaches')
  for (const columns of [40, 60, 80, 120])
    expect(displayWidth(statusLine({ ...input, columns }))).toBeLessThan(columns)
})
