// A job's duration: ticking while it runs, fixed afterwards.
import type { Job } from '../api/types.ts'
import { formatDuration } from '../text/quantities.ts'
import { Ticking } from '../ui/Time.tsx'
import { isOver, ranForMs } from './times.ts'

export function JobTime({ job }: { job: Job }) {
  const ms = ranForMs(job)
  if (ms !== undefined) return <span className="tabular">{formatDuration(ms)}</span>
  if (job.startedAt && !isOver(job)) return <Ticking since={job.startedAt} />
  return <span className="text-ink-3">–</span>
}
