// What is known of a job at a glance, beside its transcript: stages, branches, commits, cost.
import { Link } from '@tanstack/react-router'
import { ExternalLink } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Job, Repository } from '../api/types.ts'
import { paths } from '../paths.ts'
import { revealHidden } from '../text/hidden.ts'
import { formatMoment } from '../text/moments.ts'
import { formatCount, formatUsd } from '../text/quantities.ts'
import { CopyButton } from '../ui/CopyButton.tsx'
import { Age } from '../ui/Time.tsx'
import { JobTime } from './JobTime.tsx'
import { RelatedJobs, ScheduleName } from './RelatedJobs.tsx'
import { StageProgress } from './StageProgress.tsx'
import type { StageSpan } from './stages.ts'

export function JobProperties({
  job,
  repository,
  spans,
}: {
  job: Job
  repository: Repository | undefined
  spans: StageSpan[]
}) {
  return (
    <div className="space-y-5">
      {spans.length > 0 && <StageProgress spans={spans} />}
      <RelatedJobs job={job} />
      <dl className="space-y-1.5 text-sm">
        <Property name="Repository">
          <Link {...paths.jobs({ repository: job.repositoryId })} className="truncate hover:underline">
            {repository?.name ?? '–'}
          </Link>
        </Property>
        <Property name="Branch">
          <Code value={job.branch} label="Copy the branch’s name" />
        </Property>
        <Property name="Base">
          <Code value={job.baseBranch} label="Copy the base branch’s name" />
        </Property>
        {job.baseCommit && (
          <Property name="Base commit">
            <Code value={job.baseCommit} shown={job.baseCommit.slice(0, 10)} label="Copy the base commit" />
          </Property>
        )}
        {job.headCommit && (
          <Property name="Commit">
            <Code value={job.headCommit} shown={job.headCommit.slice(0, 10)} label="Copy the commit" />
          </Property>
        )}
        {job.pullRequestUrl && /^https?:/i.test(job.pullRequestUrl) && (
          <Property name="Pull request">
            <a
              href={job.pullRequestUrl}
              target="_blank"
              rel="noopener noreferrer"
              className="inline-flex min-w-0 items-center gap-1 text-link hover:underline"
            >
              <span className="truncate">{job.pullRequestUrl.split('/').at(-1)}</span>
              <ExternalLink className="size-3 shrink-0" aria-hidden />
              <span className="sr-only">(opens in a new tab)</span>
            </a>
          </Property>
        )}
        {job.state === 'pending' && job.runAt && <Property name="Starts">{formatMoment(job.runAt)}</Property>}
        {job.scheduleId && (
          <Property name="Schedule">
            <ScheduleName scheduleId={job.scheduleId} />
          </Property>
        )}
        {job.cachedFrom && (
          <Property name="Result of">
            <Link {...paths.job(job.cachedFrom)} className="text-link hover:underline">
              job #{job.cachedFromNumber}
            </Link>
          </Property>
        )}
        <Property name="Duration">
          <JobTime job={job} />
        </Property>
        <Property name="Cost">
          <span className="tabular">
            {formatUsd(job.costUsd)}
            {job.budgetUsd !== null && <span className="text-ink-3"> of {formatUsd(job.budgetUsd)}</span>}
          </span>
        </Property>
        <Property name="Tokens">
          <span className="tabular" title={tokenTitle(job)}>
            {formatCount(job.tokens.input + job.tokens.cacheRead + job.tokens.cacheWrite)} in ·{' '}
            {formatCount(job.tokens.output)} out
          </span>
        </Property>
        {job.attempt > 1 && <Property name="Attempt">{job.attempt}</Property>}
        {job.turn > 1 && <Property name="Turn">{job.turn}</Property>}
        {job.priority !== 'normal' && <Property name="Priority">{job.priority}</Property>}
        <Property name="Created">
          <Age at={job.createdAt} suffix=" ago" />
        </Property>
      </dl>
    </div>
  )
}

const tokenTitle = ({ tokens }: Job): string =>
  `${tokens.input} input, ${tokens.cacheRead} read from cache, ${tokens.cacheWrite} written to cache, ${tokens.output} output`

function Property({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex min-h-6 items-center gap-3">
      <dt className="w-24 shrink-0 text-ink-3">{name}</dt>
      <dd className="flex min-w-0 flex-1 items-center gap-1">{children}</dd>
    </div>
  )
}

function Code({ value, shown = value, label }: { value: string; shown?: string; label: string }) {
  return (
    <>
      <code className="min-w-0 truncate font-mono text-xs" title={revealHidden(value)}>
        {revealHidden(shown)}
      </code>
      <CopyButton value={value} label={label} className="ml-auto" />
    </>
  )
}
