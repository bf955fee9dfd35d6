// How a job ended, in a few lines: what it did, where the work is, what it cost; or why not, and what to do.
import type { Job } from '@flowforge/sdk'
import { formatCount, formatDuration, formatMoment, formatUsd } from '../output/format.ts'
import { plainLine, plainText } from '../output/plain-text.ts'
import { applyTone, type Style } from '../output/style.ts'
import { wrap } from '../output/text-width.ts'
import { stageName, waitingName } from './stage-names.ts'

export interface CardOptions {
  style: Style
  columns: number
  consoleUrl: string
  nowMs: number
}

export function resultCard(job: Job, options: CardOptions): string[] {
  const { style, columns } = options
  const field = (name: string, value: string) => `  ${style.dim(name.padEnd(9))}${value}`
  const text = job.result?.summary ?? job.reason?.next
  return [
    headline(job, options),
    ...(text ? wrap(plainText(text).trim(), columns - 3).map(line => `  ${line}`.trimEnd()) : []),
    ...changes(job).map(value => field('Branch', value)),
    ...(job.cachedFromNumber === undefined
      ? []
      : [field('Result', `of job #${job.cachedFromNumber}: the same task on the same commit`)]),
    ...(job.pullRequestUrl ? [field('Request', plainLine(job.pullRequestUrl))] : []),
    ...verification(job, style).map((value, i) => field(i === 0 ? 'Verify' : '', value)),
    field('Cost', cost(job)),
    field('Console', options.consoleUrl),
  ]
}

function headline(job: Job, { style, nowMs }: CardOptions): string {
  const end = job.finishedAt ? Date.parse(job.finishedAt) : nowMs
  const took = formatDuration(end - Date.parse(job.startedAt ?? job.createdAt))
  switch (job.state) {
    case 'succeeded':
      return `${applyTone(style, 'good', '✓')} ${style.bold(`Job #${job.number} succeeded`)} in ${took}`
    case 'failed':
      return `${applyTone(style, 'bad', '✗')} ${style.bold(`Job #${job.number} failed`)} after ${took}: ${plainLine(job.reason?.message ?? 'no reason was given')}`
    case 'cancelled':
      return `${applyTone(style, 'warning', '!')} ${style.bold(`Job #${job.number} was cancelled`)} after ${took}`
    case 'running':
      return `${applyTone(style, 'accent', '●')} ${style.bold(`Job #${job.number} is running`)} for ${took}${job.stage ? `: ${stageName(job.stage)}` : ''}`
    case 'waiting':
      return `${applyTone(style, 'warning', '!')} ${style.bold(`Job #${job.number}`)}: ${waitingName(job.waitingFor ?? '')}`
    case 'pending':
      return `${applyTone(style, 'dim', '·')} ${style.bold(`Job #${job.number} is pending`)}${waitsFor(job)}`
    case 'queued':
      return `${applyTone(style, 'dim', '·')} ${style.bold(`Job #${job.number} is ${job.state}`)}${job.queuePosition ? `, number ${job.queuePosition} in the queue` : ''}`
  }
}

function waitsFor({ runAt, needs }: Job): string {
  const count = needs.length
  const reasons = [
    ...(runAt ? [`until ${formatMoment(runAt)}`] : []),
    ...(count > 0 ? [`for ${count === 1 ? 'another job' : `${count} other jobs`}`] : []),
  ]
  return reasons.length > 0 ? `: waits ${reasons.join(' and ')}` : ''
}

function changes(job: Job): string[] {
  if (job.state === 'succeeded' && !job.headCommit) return ['no changes were needed; no branch was pushed']
  if (!job.headCommit) return []
  if (!job.result) return [plainLine(job.branch)]
  const { filesChanged, insertions, deletions } = job.result
  return [`${plainLine(job.branch)}  ${formatCount(filesChanged, 'file')}, +${insertions} -${deletions}`]
}

const verification = (job: Job, style: Style): string[] =>
  (job.result?.verify ?? []).map(({ command, exitCode, durationMs }) => {
    const mark = exitCode === 0 ? style.green('✓') : style.red(`✗ exit ${exitCode}`)
    return `${mark} ${plainLine(command)}  ${style.dim(formatDuration(durationMs))}`
  })

function cost(job: Job): string {
  const tokens = job.tokens
  const counted = `${formatCount(tokens.input + tokens.cacheRead + tokens.cacheWrite, 'token')} in, ${tokens.output.toLocaleString('en-US')} out`
  return `${formatUsd(job.costUsd)} · ${counted}${job.scriptedModel ? ' · scripted model, not Claude' : ''}`
}
