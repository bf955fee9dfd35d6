// One schedule in the list: what it does and when, how its last run went, and what one can do with it.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { CalendarClock, Pause, Pencil, Play, Zap } from 'lucide-react'
import { changeSchedule, runSchedule } from '../api/endpoints.ts'
import { createIdempotencyKeys } from '../api/idempotency.ts'
import { schedulesQuery } from '../api/queries.ts'
import type { Schedule } from '../api/types.ts'
import { paths } from '../paths.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { firstLine, revealHidden } from '../text/hidden.ts'
import { formatMoment, isSameClock } from '../text/moments.ts'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { Age } from '../ui/Time.tsx'
import { RemoveSchedule } from './RemoveSchedule.tsx'

export function ScheduleRow({
  schedule,
  repository,
  onEdit,
}: {
  schedule: Schedule
  repository: string | undefined
  onEdit: () => void
}) {
  return (
    <li className="gap-4 px-4 py-3 md:flex md:px-6">
      <CalendarClock className="mt-0.5 size-4 shrink-0 text-ink-3 max-md:hidden" aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-2">
          <span className="font-medium wrap-anywhere">{revealHidden(schedule.name)}</span>
          {!schedule.enabled && <Badge tone="amber">paused</Badge>}
          {schedule.lastError && <Badge tone="red">last run failed</Badge>}
          <span className="text-xs text-ink-3">
            {repository ?? (schedule.repositoryId ? '' : 'its repository was removed')}
          </span>
        </p>
        <p className="truncate text-sm text-ink-2">{firstLine(schedule.job.task)}</p>
        <p className="text-xs text-ink-3">
          Runs {schedule.description} ({schedule.timezone})
        </p>
        {schedule.lastError && (
          <p className="mt-1 text-xs text-red wrap-anywhere">{revealHidden(schedule.lastError.message)}</p>
        )}
      </div>
      <Runs schedule={schedule} />
      <Acts schedule={schedule} onEdit={onEdit} />
    </li>
  )
}

function Runs({ schedule: { nextRunAt, lastRunAt, lastJobId, timezone } }: { schedule: Schedule }) {
  return (
    <dl className="shrink-0 text-xs max-md:mt-2 md:w-64">
      <div className="flex gap-2">
        <dt className="w-9 text-ink-3">Next</dt>
        <dd className="tabular">
          {nextRunAt ? formatMoment(nextRunAt) : '–'}
          {nextRunAt && !isSameClock(nextRunAt, timezone) && (
            <span className="block text-ink-3">
              {formatMoment(nextRunAt, timezone)} in {timezone}
            </span>
          )}
        </dd>
      </div>
      <div className="flex gap-2">
        <dt className="w-9 text-ink-3">Last</dt>
        <dd>
          {lastRunAt && lastJobId ? (
            <Link {...paths.job(lastJobId)} className="text-link underline-offset-2 hover:underline">
              <Age at={lastRunAt} suffix=" ago" />
            </Link>
          ) : (
            '–'
          )}
        </dd>
      </div>
    </dl>
  )
}

function Acts({ schedule, onEdit }: { schedule: Schedule; onEdit: () => void }) {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const renew = () => queryClient.invalidateQueries({ queryKey: schedulesQuery.queryKey })
  const { id, name, enabled } = schedule
  const toggle = useMutation({
    mutationFn: () => changeSchedule(id, { enabled: !enabled }),
    onSuccess: renew,
  })
  const run = useMutation({
    mutationFn: () => runSchedule(id, createIdempotencyKeys().keyFor(id)),
    onSuccess: async job => {
      void renew()
      await navigate(paths.job(job.id))
    },
  })
  const error = toggle.error ?? run.error
  return (
    <div className="shrink-0 max-md:mt-2">
      <div className="flex items-center gap-1.5">
        <Button
          size="sm"
          busy={run.isPending}
          onClick={() => run.isPending || run.mutate()}
          aria-label={`Run now: ${name}`}
        >
          <Zap aria-hidden />
          Run now
        </Button>
        <Button
          size="sm"
          className="w-22"
          busy={toggle.isPending}
          onClick={() => toggle.isPending || toggle.mutate()}
          aria-label={`${enabled ? 'Pause' : 'Resume'} ${name}`}
        >
          {enabled ? <Pause aria-hidden /> : <Play aria-hidden />}
          {enabled ? 'Pause' : 'Resume'}
        </Button>
        <Button size="sm" onClick={onEdit} aria-label={`Edit ${name}`}>
          <Pencil aria-hidden />
          Edit
        </Button>
        <RemoveSchedule schedule={schedule} />
      </div>
      {error && <ErrorNotice className="mt-2" error={error} />}
    </div>
  )
}
