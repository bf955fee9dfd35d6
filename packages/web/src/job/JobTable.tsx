// Jobs as a dense table; on a phone the columns fold under the task. J and K move between rows.
import { Link } from '@tanstack/react-router'
import { FolderGit2, GitBranch } from 'lucide-react'
import { useEffect, useRef } from 'react'
import type { Job } from '../api/types.ts'
import { paths } from '../paths.ts'
import { isShortcut } from '../shell/shortcuts.ts'
import { firstLine } from '../text/hidden.ts'
import { formatMoment } from '../text/moments.ts'
import { formatUsd } from '../text/quantities.ts'
import { Badge } from '../ui/Badge.tsx'
import { cn } from '../ui/classes.ts'
import { Age } from '../ui/Time.tsx'
import { JobTime } from './JobTime.tsx'
import { PriorityMark } from './Priority.tsx'
import { StateIcon, waitingWord } from './StateBadge.tsx'
import { stageWord } from './stages.ts'

const HEAD = 'px-3 py-1.5 text-left font-medium whitespace-nowrap max-md:hidden'
const CELL = 'px-3 py-2 align-middle whitespace-nowrap max-md:hidden'

export function JobTable({ jobs, repositoryNames }: { jobs: Job[]; repositoryNames: Map<string, string> }) {
  const table = useRef<HTMLTableElement>(null)
  useRowKeys(table)
  return (
    <table ref={table} className="w-full border-t" aria-label="Jobs">
      <thead className="border-b bg-raised text-xs text-ink-3 max-md:sr-only">
        <tr>
          <th scope="col" className="w-10 py-1.5 pl-4 text-left font-medium md:pl-6">
            <span className="sr-only">State</span>
          </th>
          <th scope="col" className="py-1.5 pr-3 pl-2 text-left font-medium">
            Task
          </th>
          <th scope="col" className={HEAD}>
            Repository
          </th>
          <th scope="col" className={`${HEAD} max-xl:hidden`}>
            Branch
          </th>
          <th scope="col" className={`${HEAD} text-right`}>
            Duration
          </th>
          <th scope="col" className={`${HEAD} text-right`}>
            Cost
          </th>
          <th scope="col" className={`${HEAD} pr-6 text-right`}>
            Age
          </th>
        </tr>
      </thead>
      <tbody className="divide-y">
        {jobs.map(job => (
          <JobRow key={job.id} job={job} repository={repositoryNames.get(job.repositoryId)} />
        ))}
      </tbody>
    </table>
  )
}

function JobRow({ job, repository }: { job: Job; repository: string | undefined }) {
  return (
    <tr
      className={cn(
        'relative hover:bg-hover has-[a:focus-visible]:bg-hover',
        job.state === 'waiting' && 'bg-violet-soft',
      )}
    >
      <td className="py-2 pl-4 align-top md:pl-6 md:align-middle">
        <StateIcon state={job.state} className="max-md:mt-0.5" />
      </td>
      <td className="w-full max-w-0 py-2 pr-3 pl-2">
        <div className="flex min-w-0 items-center gap-2">
          <span className="tabular min-w-6 shrink-0 text-xs text-ink-3">#{job.number}</span>
          <Link
            {...paths.job(job.id)}
            data-row
            className="min-w-0 truncate font-medium outline-none after:absolute after:inset-0 focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-focus"
          >
            {firstLine(job.task) || 'No task'}
          </Link>
          <PriorityMark priority={job.priority} />
          <RowNote job={job} />
        </div>
        <div className="mt-0.5 flex items-center gap-2 text-xs text-ink-3 md:hidden">
          <span className="min-w-0 truncate">{repository}</span>
          <span className="ml-auto shrink-0">
            <JobTime job={job} />
          </span>
          <Age at={job.createdAt} className="w-8 shrink-0 text-right" />
        </div>
      </td>
      <td className={`${CELL} text-ink-2`}>
        <span className="flex max-w-44 items-center gap-1.5">
          <FolderGit2 className="size-3.5 shrink-0 text-ink-3" aria-hidden />
          <span className="truncate">{repository ?? '–'}</span>
        </span>
      </td>
      <td className={`${CELL} text-ink-2 max-xl:hidden`}>
        <span className="flex max-w-52 items-center gap-1.5" title={job.branch}>
          <GitBranch className="size-3.5 shrink-0 text-ink-3" aria-hidden />
          <span className="truncate font-mono text-xs">{job.branch}</span>
        </span>
      </td>
      <td className={`${CELL} text-right text-ink-2`}>
        <JobTime job={job} />
      </td>
      <td className={`${CELL} tabular text-right text-ink-2`}>{formatUsd(job.costUsd)}</td>
      <td className={`${CELL} pr-6 text-right text-ink-3`}>
        <Age at={job.createdAt} />
      </td>
    </tr>
  )
}

/** The one thing worth saying about a job beyond its state. */
function RowNote({ job }: { job: Job }) {
  if (job.state === 'running' && job.stage) return <Badge tone="blue">{stageWord(job.stage)}</Badge>
  if (job.state === 'waiting' && job.waitingFor)
    return <Badge tone="violet">{waitingWord(job.waitingFor)}</Badge>
  if (job.state === 'pending')
    return <Badge>{job.runAt ? `starts ${formatMoment(job.runAt)}` : 'waits for other jobs'}</Badge>
  if (job.cachedFromNumber !== undefined) return <Badge>from #{job.cachedFromNumber}</Badge>
  if (job.state === 'queued' && job.queuePosition) return <Badge>{job.queuePosition}. in queue</Badge>
  if (job.state === 'failed' && job.reason)
    return <Badge tone="red">{job.reason.code.replaceAll('_', ' ')}</Badge>
  return null
}

function useRowKeys(table: React.RefObject<HTMLTableElement | null>) {
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      const step = event.key === 'j' ? 1 : event.key === 'k' ? -1 : 0
      if (step === 0 || !isShortcut(event)) return
      const rows = [...(table.current?.querySelectorAll<HTMLElement>('a[data-row]') ?? [])]
      const at = rows.indexOf(document.activeElement as HTMLElement)
      const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step]
      if (!next) return
      event.preventDefault()
      next.focus()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [table])
}
