// The one line at the bottom that ticks: stage, elapsed time, what runs now, cost. Draws nothing by itself.
import type { Job } from '@flowforge/sdk'
import { formatElapsed, formatUsd } from '../output/format.ts'
import type { Style } from '../output/style.ts'
import { truncate } from '../output/text-width.ts'
import type { Progress } from './transcript.ts'

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
export const FRAME_MS = 120

export interface StatusInput {
  job: Job
  progress: Progress
  /** Set while the connection is broken. */
  notice: string | undefined
  nowMs: number
  columns: number
  style: Style
}

/** Never as wide as the terminal: a full line would wrap and could not be taken back. */
export function statusLine({ job, progress, notice, nowMs, columns, style }: StatusInput): string {
  const frame = FRAMES[Math.floor(nowMs / FRAME_MS) % FRAMES.length]!
  const tool = [...progress.tools.values()].at(-1)
  const since = progress.stage?.sinceMs ?? Date.parse(job.createdAt)
  const parts = [
    `${progress.stage?.name ?? (progress.ended ? 'Ended' : 'Queued')} ${formatElapsed(nowMs - since)}`,
    ...(notice ? [notice] : []),
    ...(tool ? [`${tool.line} ${formatElapsed(nowMs - tool.sinceMs)}`] : []),
  ]
  const tail = [
    ...(progress.costUsd > 0 ? [formatUsd(progress.costUsd)] : []),
    `${formatElapsed(nowMs - Date.parse(job.createdAt))} in all`,
    'Ctrl-C detaches',
  ].join(' · ')
  const room = columns - 1 - 2 - tail.length - 3
  const head = room < 20 ? truncate(parts.join(' · '), columns - 3) : truncate(parts.join(' · '), room)
  return room < 20 ? `${style.cyan(frame)} ${head}` : `${style.cyan(frame)} ${head}${style.dim(` · ${tail}`)}`
}
