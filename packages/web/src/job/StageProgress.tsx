// The stages of a job in order, with the time of each; the current one ticks.
import { Circle, CircleCheck, CircleX, LoaderCircle } from 'lucide-react'
import { formatDuration, formatElapsed } from '../text/quantities.ts'
import { cn } from '../ui/classes.ts'
import { useSecondClock } from '../ui/Time.tsx'
import type { StageSpan } from './stages.ts'

const ICONS = {
  done: <CircleCheck className="size-3.5 text-green" aria-hidden />,
  current: <LoaderCircle className="size-3.5 animate-spin text-blue" aria-hidden />,
  failed: <CircleX className="size-3.5 text-red" aria-hidden />,
  coming: <Circle className="size-3.5 text-line-strong" aria-hidden />,
} as const
const SPOKEN = {
  done: 'done',
  current: 'in progress',
  failed: 'ended here',
  coming: 'still to come',
} as const

export function StageProgress({ spans }: { spans: StageSpan[] }) {
  return (
    <ol aria-label="Stages" className="space-y-0.5">
      {spans.map(span => (
        <li
          key={span.name}
          aria-current={span.status === 'current' ? 'step' : undefined}
          className="flex min-h-6 items-center gap-2 text-sm"
        >
          {ICONS[span.status]}
          <span
            className={cn(
              'min-w-0 truncate',
              span.status === 'coming' ? 'text-ink-3' : span.status === 'current' && 'font-medium',
            )}
          >
            {span.word}
            {span.detail && <span className="font-normal text-ink-3"> · {span.detail}</span>}
          </span>
          <span className="sr-only">({SPOKEN[span.status]})</span>
          <span className="tabular ml-auto text-xs text-ink-3">
            {span.since ? (
              <Current span={span} since={span.since} />
            ) : (
              span.status !== 'coming' && formatDuration(span.elapsedMs)
            )}
          </span>
        </li>
      ))}
    </ol>
  )
}

function Current({ span, since }: { span: StageSpan; since: string }) {
  const now = useSecondClock()
  return formatElapsed(span.elapsedMs + Math.max(0, now - Date.parse(since)))
}
