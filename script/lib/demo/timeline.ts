// What a job spent its time on, stage by stage.
import type { JobEvent } from '@flowforge/sdk'
import { stageName } from '../../../packages/cli/src/live/stage-names.ts'
import { formatDuration } from '../../../packages/cli/src/output/format.ts'

interface Span {
  name: string
  startMs: number
  endMs: number
}

const BAR_WIDTH = 40
/** Of a stage that leads to the next at once there is nothing to see. */
const SHORTEST_MS = 20
const ENDS = new Set(['job.succeeded', 'job.failed', 'job.cancelled'])

/** One line per stage: name, duration, and where in the whole it lies. */
export function renderTimeline(events: JobEvent[]): string[] {
  const spans = spansOf(events)
  if (spans.length === 0) return []
  const startMs = spans[0]!.startMs
  const wholeMs = Math.max(1, spans.at(-1)!.endMs - startMs)
  const nameWidth = Math.max(...spans.map(span => span.name.length))
  const column = (ms: number) => Math.round(((ms - startMs) / wholeMs) * BAR_WIDTH)
  const lines = spans.map(span => {
    const from = Math.min(column(span.startMs), BAR_WIDTH - 1)
    const bar = ' '.repeat(from) + '━'.repeat(Math.max(1, column(span.endMs) - from))
    return `  ${span.name.padEnd(nameWidth)}  ${formatDuration(span.endMs - span.startMs).padStart(7)}  ${bar}`
  })
  return [...lines, `  ${'All of it'.padEnd(nameWidth)}  ${formatDuration(wholeMs).padStart(7)}`]
}

function spansOf(events: JobEvent[]): Span[] {
  const marks = events.flatMap(event => {
    const startMs = Date.parse(event.at)
    if (event.type === 'job.queued') return [{ name: 'Queued', startMs }]
    if (event.type === 'job.stage')
      return [{ name: stageName((event.data as { stage: string }).stage), startMs }]
    return ENDS.has(event.type) ? [{ name: '', startMs }] : []
  })
  return marks
    .slice(0, -1)
    .map((mark, i) => ({ ...mark, endMs: marks[i + 1]!.startMs }))
    .filter(span => span.endMs - span.startMs >= SHORTEST_MS)
}
