// The jobs that this one needs, those that wait for it, and the schedule that it comes from.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { jobRelationsQuery, schedulesQuery } from '../api/queries.ts'
import type { Job, JobRelations } from '../api/types.ts'
import { paths } from '../paths.ts'
import { firstLine } from '../text/hidden.ts'
import { StateIcon } from './StateBadge.tsx'

export function RelatedJobs({ job }: { job: Job }) {
  const relations = useQuery(jobRelationsQuery(job.id))
  const { needs = [], dependents = [] } = relations.data ?? {}
  if (needs.length === 0 && dependents.length === 0) return null
  return (
    <div className="space-y-3 text-sm">
      <JobList title="Needs" jobs={needs} />
      <JobList title="Waiting for this" jobs={dependents} />
    </div>
  )
}

function JobList({ title, jobs }: { title: string; jobs: JobRelations['needs'] }) {
  if (jobs.length === 0) return null
  return (
    <section aria-label={title}>
      <h2 className="mb-1 text-xs font-medium text-ink-3">{title}</h2>
      <ul className="space-y-1">
        {jobs.map(({ id, number, state, task }) => (
          <li key={id} className="flex items-center gap-2">
            <StateIcon state={state} />
            <span className="tabular text-xs text-ink-3">#{number}</span>
            <Link {...paths.job(id)} className="min-w-0 truncate hover:underline">
              {firstLine(task) || 'No task'}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}

export function ScheduleName({ scheduleId }: { scheduleId: string }) {
  const schedules = useQuery(schedulesQuery)
  return (
    <Link {...paths.schedules()} className="truncate hover:underline">
      {schedules.data?.find(({ id }) => id === scheduleId)?.name ?? 'a schedule'}
    </Link>
  )
}
