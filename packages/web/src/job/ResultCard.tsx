// How a job ended: what was done and how to get it, or why not and what to do next.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Ban, CircleCheck, CircleX } from 'lucide-react'
import type { ReactNode } from 'react'
import { meQuery } from '../api/queries.ts'
import type { Job, Repository } from '../api/types.ts'
import { paths } from '../paths.ts'
import { fetchCommand, gitAddress, shellWord } from '../repository/git-address.ts'
import { revealHidden } from '../text/hidden.ts'
import { plural } from '../text/quantities.ts'
import { Message } from '../transcript/Words.tsx'
import { CommandLine } from '../ui/CopyButton.tsx'
import { cn } from '../ui/classes.ts'

export function ResultCard({
  job,
  repository,
  withSummary,
  onShowDiff,
}: {
  job: Job
  repository: Repository | undefined
  withSummary: boolean
  onShowDiff: () => void
}) {
  if (job.state === 'succeeded')
    return <Succeeded job={job} repository={repository} withSummary={withSummary} onShowDiff={onShowDiff} />
  if (job.state === 'failed') {
    return (
      <Card
        tone="border-red/40"
        icon={<CircleX className="size-5 text-red" aria-hidden />}
        title="Failed"
        aside={job.reason?.code}
      >
        <p className="text-base wrap-anywhere whitespace-pre-wrap">
          {revealHidden(job.reason?.message ?? 'No reason is known.')}
        </p>
        {job.reason?.next && (
          <p className="rounded-md bg-raised px-3 py-2 text-base wrap-anywhere">
            <span className="font-semibold">What to do: </span>
            {revealHidden(job.reason.next)}
          </p>
        )}
      </Card>
    )
  }
  if (job.state === 'cancelled') {
    return (
      <Card tone="border-line" icon={<Ban className="size-5 text-ink-3" aria-hidden />} title="Cancelled">
        <p className="text-ink-2">{revealHidden(job.reason?.message ?? 'Nothing was pushed.')}</p>
      </Card>
    )
  }
  return null
}

function Succeeded({
  job,
  repository,
  withSummary,
  onShowDiff,
}: {
  job: Job
  repository: Repository | undefined
  withSummary: boolean
  onShowDiff: () => void
}) {
  const { result } = job
  const changed = Boolean(job.headCommit)
  return (
    <Card
      tone="border-green/40"
      icon={<CircleCheck className="size-5 text-green" aria-hidden />}
      title={changed ? 'Succeeded' : 'Succeeded without changes'}
    >
      {job.cachedFrom && (
        <p className="text-sm text-ink-2">
          Result of{' '}
          <Link {...paths.job(job.cachedFrom)} className="text-link underline-offset-2 hover:underline">
            job #{job.cachedFromNumber}
          </Link>
          : the same task on the same commit. Nothing was worked out anew.
        </p>
      )}
      {result && (changed || result.verify.length > 0) && (
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
          {changed && (
            <button
              type="button"
              onClick={onShowDiff}
              className="tabular rounded text-link underline-offset-2 hover:underline"
            >
              {plural(result.filesChanged, 'file')} changed{' '}
              <span className="text-green">+{result.insertions}</span>{' '}
              <span className="text-red">−{result.deletions}</span>
            </button>
          )}
          <VerifySummary job={job} />
        </p>
      )}
      {withSummary && result?.summary && <Message text={result.summary} />}
      {changed && <HowToFetch job={job} repository={repository} />}
    </Card>
  )
}

function VerifySummary({ job }: { job: Job }) {
  const runs = job.result?.verify ?? []
  const failed = runs.filter(run => run.exitCode !== 0).length
  if (runs.length === 0) return null
  return (
    <span className={failed ? 'text-red' : 'text-ink-2'}>
      {failed
        ? `${failed} of ${plural(runs.length, 'check')} failed`
        : `${plural(runs.length, 'check')} passed in a fresh container`}
    </span>
  )
}

function HowToFetch({ job, repository }: { job: Job; repository: Repository | undefined }) {
  const me = useQuery(meQuery)
  if (!me.data || !repository) return null
  const command = repository.url
    ? `git fetch origin ${shellWord(job.branch)} && git switch ${shellWord(job.branch)}`
    : fetchCommand(gitAddress(window.location.origin, me.data.organization.slug, repository.name), job.branch)
  return (
    <div>
      <p className="mb-1 text-xs text-ink-3">Take the branch into your clone</p>
      <CommandLine command={command} label="Copy the command that fetches the branch" />
    </div>
  )
}

function Card({
  tone,
  icon,
  title,
  aside,
  children,
}: {
  tone: string
  icon: ReactNode
  title: string
  aside?: string
  children: ReactNode
}) {
  return (
    <section aria-label="Result" className={cn('rounded-lg border bg-canvas', tone)}>
      <h2 className="flex items-center gap-2 border-b px-4 py-2.5 text-base font-semibold">
        {icon}
        {title}
        {aside && <code className="ml-auto font-mono text-xs font-normal text-ink-3">{aside}</code>}
      </h2>
      <div className="space-y-3 px-4 py-3">{children}</div>
    </section>
  )
}
