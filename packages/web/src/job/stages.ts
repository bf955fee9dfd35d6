// The stages of a job's current attempt with their times, read from its events. Pure.
import type { Job, Stage, StreamedEvent } from '../api/types.ts'
import { isOver } from './times.ts'

const WORDS: Record<Stage, string> = {
  preparing_repository: 'Preparing repository',
  starting_container: 'Starting container',
  cloning: 'Cloning',
  setting_up: 'Setting up',
  working: 'Working',
  waiting_for_claude: 'Waiting for Claude',
  verifying: 'Verifying',
  pushing: 'Pushing',
  verifying_clean: 'Clean verify',
  publishing: 'Publishing',
}

// A newer server may know more stages.
export const stageWord = (stage: Stage): string => WORDS[stage] ?? stage.replaceAll('_', ' ')

export interface StageSpan {
  /** `queued` is no stage of `running`, but people wait through it all the same. */
  name: Stage | 'queued'
  word: string
  status: 'done' | 'current' | 'failed' | 'coming'
  /** Of the finished visits; a stage can come again. */
  elapsedMs: number
  /** Start of the visit that goes on now. */
  since?: string
  detail?: string
}

/** What has to be known between two batches of events. */
export interface StageLog {
  spans: StageSpan[]
  attempt: number
}

export const noStages: StageLog = { spans: [], attempt: 0 }

export function readStages(log: StageLog, events: readonly StreamedEvent[]): StageLog {
  let { spans, attempt } = log
  for (const event of events) {
    if (event.type === 'job.queued' || event.type === 'attempt.started') attempt = event.attempt
    if (event.type === 'job.queued')
      spans = [{ name: 'queued', word: 'Queued', status: 'current', elapsedMs: 0, since: event.at }]
    else if (event.type === 'job.started') spans = close(spans, event.at, 'done')
    else if (event.type === 'job.resumed') spans = enter(spans, 'working', event.at, undefined)
    else if (event.type === 'job.stage')
      spans = enter(close(spans, event.at, 'done'), event.data.stage, event.at, event.data.detail)
    else if (event.type === 'job.succeeded' || event.type === 'job.waiting')
      spans = close(spans, event.at, 'done')
    else if (event.type === 'job.failed' || event.type === 'job.cancelled')
      spans = close(spans, event.at, 'failed')
  }
  return spans === log.spans && attempt === log.attempt ? log : { spans, attempt }
}

function close(spans: StageSpan[], at: string, status: 'done' | 'failed'): StageSpan[] {
  return spans.map(span =>
    span.since === undefined
      ? span
      : {
          ...span,
          status,
          elapsedMs: span.elapsedMs + elapsed(span.since, at),
          since: undefined,
          detail: undefined,
        },
  )
}

function enter(spans: StageSpan[], stage: Stage, at: string, detail: string | undefined): StageSpan[] {
  const known = spans.some(span => span.name === stage)
  const current: StageSpan = {
    name: stage,
    word: stageWord(stage),
    status: 'current',
    elapsedMs: 0,
    since: at,
    detail,
  }
  if (!known) return [...spans, current]
  return spans.map(span => (span.name === stage ? { ...current, elapsedMs: span.elapsedMs } : span))
}

/** Two machines' clocks may differ: never less than nothing. */
const elapsed = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from))

/** The spans seen so far and, while the job is not over, those that will come for sure. */
export function withComing(spans: StageSpan[], job: Job): StageSpan[] {
  if (isOver(job)) return spans
  const seen = new Set(spans.map(span => span.name))
  const expected: Stage[] = ['preparing_repository', 'starting_container', 'cloning']
  if (job.setup.length > 0) expected.push('setting_up')
  expected.push('working')
  if (job.verify.length > 0) expected.push('verifying')
  expected.push('pushing')
  if (job.verify.length > 0) expected.push('verifying_clean')
  // What was jumped over does not come any more.
  const furthest = Math.max(-1, ...expected.map((stage, at) => (seen.has(stage) ? at : -1)))
  const coming = expected.slice(furthest + 1)
  return [
    ...spans,
    ...coming.map(stage => ({
      name: stage,
      word: stageWord(stage),
      status: 'coming' as const,
      elapsedMs: 0,
    })),
  ]
}
