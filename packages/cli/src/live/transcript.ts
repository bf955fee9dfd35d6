// A job's events as entries that people read: which events are worth a line, and its words. Pure but for what it must
// remember between events. Everything in an event is hostile text and leaves here plain.
import type { EventData, EventType, JobEvent } from '@flowforge/sdk'
import { formatDuration, formatUsd, shortCommit } from '../output/format.ts'
import { plainLine, plainText } from '../output/plain-text.ts'
import type { Tone } from '../output/style.ts'
import { requestText } from './request-text.ts'
import { stageName, waitingName } from './stage-names.ts'
import { describeTool } from './tool-line.ts'

export interface Entry {
  /** One character before the text, or none. */
  mark?: string
  tone: Tone
  /** May have several lines. */
  text: string
  /** Below and less important, such as the output of a failed command. */
  detail?: string
  /** At the end of a one-line text that may have to be cut: `0.8s ✓`. */
  suffix?: string
  /** A sub-agent's. */
  nested?: boolean
}

export interface Progress {
  stage?: { name: string; sinceMs: number }
  /** Tools that run now, oldest first. */
  tools: Map<string, { line: string; sinceMs: number }>
  costUsd: number
  ended: boolean
}

export interface Transcript {
  progress: Progress
  entries(event: JobEvent): Entry[]
}

const MAX_TEXT = 20_000
const DETAIL_LINES = 12
const ENDS = new Set<string>(['job.succeeded', 'job.failed', 'job.cancelled'])

export function createTranscript(): Transcript {
  const progress: Progress = { tools: new Map(), costUsd: 0, ended: false }
  return {
    progress,
    entries: event => {
      progress.ended = ENDS.has(event.type)
      const read = READERS[event.type] as Reader<EventType> | undefined
      // A newer server may send types that this version does not know, or without what it expects.
      return read?.((event.data ?? {}) as never, progress, event) ?? []
    },
  }
}

type Reader<T extends EventType> = (data: EventData[T], progress: Progress, event: JobEvent) => Entry[]

const entry = (tone: Tone, mark: string | undefined, text: string, more: Partial<Entry> = {}): Entry[] => [
  { tone, ...(mark === undefined ? {} : { mark }), text, ...more },
]
const note = (text: string) => entry('dim', '·', text)
const warn = (text: string) => entry('warning', '!', text)

const READERS: { [T in EventType]?: Reader<T> } = {
  'job.queued': () => note('Queued'),
  'job.pending': data => note(`Waits ${pendingReasons(data)}`),
  'job.changed': ({ priority, budgetUsd, runAt }) => [
    ...(priority === undefined ? [] : note(`Priority is ${plainLine(priority)} now`)),
    ...(budgetUsd === undefined
      ? []
      : note(
          budgetUsd === null ? 'There is no budget any more' : `The budget is ${formatUsd(budgetUsd)} now`,
        )),
    ...(typeof runAt === 'string' ? note(`Starts at ${plainLine(runAt)}`) : []),
  ],
  'result.reused': ({ number }) =>
    note(`The result is that of job #${plainLine(number)}: the same task on the same commit`),
  'job.stage': (data, progress, event) => {
    const name = stageName(plainLine(data.stage))
    const finished = endStage(progress, event)
    progress.stage = { name, sinceMs: Date.parse(event.at) }
    return [...finished, ...(data.detail ? note(`${name}: ${plainLine(data.detail)}`) : [])]
  },
  'job.waiting': (data, progress, event) => {
    const name = waitingName(plainLine(data.waitingFor))
    const finished = endStage(progress, event)
    progress.stage = { name, sinceMs: Date.parse(event.at) }
    return [...finished, ...warn(data.message ? `${name}: ${plainLine(data.message)}` : name)]
  },
  'job.resumed': (_data, progress, event) => {
    const finished = endStage(progress, event)
    progress.stage = { name: stageName('working'), sinceMs: Date.parse(event.at) }
    return finished
  },
  'job.reopened': ({ turn }) => note(`Taken up again: turn ${plainLine(turn)}`),
  'job.succeeded': (_data, progress, event) => [
    ...endStage(progress, event),
    ...entry('good', '✓', 'Succeeded'),
  ],
  'job.failed': ({ reason }, progress, event) => [
    ...endStage(progress, event),
    ...entry('bad', '✗', `Failed (${plainLine(reason?.code)}): ${plainLine(reason?.message)}`),
  ],
  'job.cancelled': ({ by }, progress, event) => [
    ...endStage(progress, event),
    ...warn(by ? `Cancelled by ${plainLine(by)}` : 'Cancelled'),
  ],
  'job.retried': ({ automatic, reason }) =>
    warn(`${automatic ? 'Tried again' : 'Retried'}${reason ? `: ${plainLine(reason.message)}` : ''}`),

  'attempt.started': ({ number }) => (number > 1 ? note(`Attempt ${plainLine(number)} started`) : []),
  'attempt.lost': ({ number, reason }) => warn(`Attempt ${plainLine(number)} was lost: ${plainLine(reason)}`),
  'attempt.adopted': ({ number }) => note(`Attempt ${plainLine(number)} goes on under another worker`),

  'attempt.parked': ({ number }) =>
    note(`The container of attempt ${plainLine(number)} was released; an answer starts another`),
  'session.resumed': () => note('Claude goes on with the conversation'),
  'session.started_afresh': ({ reason }) => warn(`Claude begins anew: ${plainLine(reason)}`),
  'git.work.restored': ({ commit }) => note(`Goes on from ${shortCommit(plainLine(commit))}`),

  'claude.message': ({ text, parentToolUseId }) =>
    cut(text).trim() === ''
      ? []
      : entry('plain', undefined, cut(text).trim(), parentToolUseId ? { nested: true } : {}),
  'claude.tool.started': ({ toolUseId, name, input }, progress, event) => {
    progress.tools.set(toolUseId, { line: describeTool(name, input), sinceMs: Date.parse(event.at) })
    return []
  },
  'claude.tool.finished': ({ toolUseId, ok, output, durationMs, parentToolUseId }, progress) => {
    const line = progress.tools.get(toolUseId)?.line ?? 'Tool'
    progress.tools.delete(toolUseId)
    return entry('accent', '●', line, {
      suffix: `${duration(durationMs)} ${ok ? '✓' : '✗'}`,
      ...(ok ? {} : { detail: lastLines(output) }),
      ...(parentToolUseId ? { nested: true } : {}),
    })
  },
  'claude.usage': ({ costUsd }, progress) => {
    progress.costUsd += Number(costUsd) || 0
    return []
  },

  'git.committed': ({ commit, message }) =>
    note(`Committed ${shortCommit(plainLine(commit))} ${plainLine(plainText(message).split('\n')[0])}`),
  'git.pushed': ({ branch, commit, upstream }) =>
    note(`${upstream ? 'Published' : 'Pushed'} ${plainLine(branch)} at ${shortCommit(plainLine(commit))}`),
  'git.rescued': ({ attempt, commit }) =>
    note(`What attempt ${Number(attempt)} left was saved as ${shortCommit(plainLine(commit))}`),
  'git.conflict.detected': ({ files }) => warn(`Conflicts with the base in ${list(files)}`),
  'git.conflict.resolved': ({ files }) => note(`Conflicts resolved in ${list(files)}`),
  'git.pull_request.opened': ({ url }) => entry('good', '✓', `Pull request ${plainLine(url)}`),
  'git.push.refused': ({ ref, reason }) => warn(`Push to ${plainLine(ref)} refused: ${plainLine(reason)}`),

  'verify.started': ({ command, clean }, progress, event) => {
    const where = clean ? ' in a fresh container' : ''
    progress.tools.set('verify', { line: `${plainLine(command)}${where}`, sinceMs: Date.parse(event.at) })
    return []
  },
  'verify.finished': ({ command, exitCode, durationMs, output }, progress) => {
    progress.tools.delete('verify')
    const passed = exitCode === 0
    return entry(passed ? 'good' : 'bad', passed ? '✓' : '✗', `Verify ${plainLine(command)}`, {
      suffix: passed ? duration(durationMs) : `exit ${plainLine(exitCode)} after ${duration(durationMs)}`,
      ...(passed ? {} : { detail: lastLines(output) }),
    })
  },

  log: ({ text }) => (cut(text).trim() === '' ? [] : entry('dim', undefined, cut(text).trimEnd())),
  'egress.blocked': ({ host, port, reason }) =>
    warn(`Network access to ${plainLine(host)}:${plainLine(port)} blocked: ${plainLine(reason)}`),
  'policy.denied': ({ what, reason }) => warn(`${plainLine(what)} denied: ${plainLine(reason)}`),
  'settings.neutralised': ({ file, keys }) => warn(`${plainLine(file)}: ignored ${list(keys)}`),
  'budget.warning': data => warn(`Spent ${spent(data)}`),
  'budget.exceeded': data => entry('bad', '!', `Budget used up: ${spent(data)}`),
  'approval.requested': ({ kind, input }) => entry('warning', '?', cut(requestText(plainLine(kind), input))),
  'approval.decided': ({ decision, answers }) => note(decisionText(decision, answers)),
  'reply.received': ({ text }) => entry('accent', '>', cut(text)),
  'artifact.added': ({ name, sizeBytes }) => note(`Kept ${plainLine(name)} (${plainLine(sizeBytes)} bytes)`),
}

const decisionText = (decision: string, answers: Record<string, string | string[]> | undefined): string => {
  const words = Object.values(answers ?? {}).map(answer => plainLine([answer].flat().join(', ')))
  if (words.length > 0) return `Answered: ${words.join('; ')}`
  return decision === 'allow' ? 'Allowed' : 'Denied'
}

function endStage(progress: Progress, event: JobEvent): Entry[] {
  const { stage } = progress
  delete progress.stage
  progress.tools.delete('verify')
  if (!stage) return []
  return entry('dim', '✓', stage.name, { suffix: duration(Date.parse(event.at) - stage.sinceMs) })
}

function cut(text: unknown): string {
  const raw = typeof text === 'string' ? text : ''
  if (raw.length <= MAX_TEXT) return plainText(raw)
  return `${plainText(raw.slice(0, MAX_TEXT))}… (${raw.length - MAX_TEXT} more characters: --json has them all)`
}

const lastLines = (output: unknown): string =>
  plainText(String(output ?? '').slice(-MAX_TEXT))
    .trim()
    .split('\n')
    .slice(-DETAIL_LINES)
    .join('\n')

const duration = (durationMs: unknown): string => formatDuration(Number(durationMs) || 0)
const list = (items: unknown): string => (Array.isArray(items) ? items.map(plainLine).join(', ') : '')
const spent = ({ spentUsd, limitUsd }: { spentUsd: number; limitUsd: number }): string =>
  `${formatUsd(Number(spentUsd) || 0)} of ${formatUsd(Number(limitUsd) || 0)}`

function pendingReasons({ runAt, needs, after }: EventData['job.pending']): string {
  const count = needs?.length ?? 0
  const reasons = [
    ...(runAt ? [`until ${plainLine(runAt)}`] : []),
    ...(count > 0 ? [`for the success of ${count === 1 ? 'another job' : `${count} other jobs`}`] : []),
    ...(after ? ['for the end of the run before it'] : []),
  ]
  return reasons.join(' and ') || 'to be queued'
}
