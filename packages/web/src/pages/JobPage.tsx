// One job: what it is about, how far it is, and what happened, changed and is known of it.
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { ChevronRight, FlaskConical } from 'lucide-react'
import { lazy, Suspense, useEffect } from 'react'
import { ApiError } from '../api/client.ts'
import { jobQuery, repositoriesQuery } from '../api/queries.ts'
import type { Job } from '../api/types.ts'
import { CancelJob } from '../job/CancelJob.tsx'
import { ChangeJob } from '../job/ChangeJob.tsx'
import { DetailsTab } from '../job/DetailsTab.tsx'
import { JobProperties } from '../job/JobProperties.tsx'
import { StateBadge, stateWord, waitingWord } from '../job/StateBadge.tsx'
import { type StageSpan, stageWord, withComing } from '../job/stages.ts'
import { TranscriptTab } from '../job/TranscriptTab.tsx'
import { isOver } from '../job/times.ts'
import { useJobFeed } from '../job/use-job-feed.ts'
import { paths } from '../paths.ts'
import { JOB_TABS, type JobTab } from '../search.ts'
import { useDocumentTitle } from '../shell/document-title.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { isShortcut } from '../shell/shortcuts.ts'
import { firstLine } from '../text/hidden.ts'
import { Badge } from '../ui/Badge.tsx'
import { SkeletonRows } from '../ui/Skeleton.tsx'
import { Tab, TabList, TabPanel, Tabs } from '../ui/Tabs.tsx'
import { NotFound } from './NotFoundPage.tsx'

const DiffTab = lazy(() => import('../diff/DiffTab.tsx'))

export function JobPage() {
  const { jobId } = useParams({ from: '/signed-in/jobs/$jobId' })
  const job = useQuery(jobQuery(jobId))
  useDocumentTitle(job.data ? `#${job.data.number} ${firstLine(job.data.task, 60)}` : 'Job')
  if (job.data) return <LoadedJob key={jobId} job={job.data} />
  if (job.isPending) return <SkeletonRows rows={8} label="Loading the job" />
  if (job.error instanceof ApiError && job.error.status === 404) return <NotFound what="job" />
  return (
    <ErrorNotice
      className="m-4 md:m-6"
      title="The job could not be loaded"
      error={job.error}
      onRetry={() => void job.refetch()}
    />
  )
}

function LoadedJob({ job }: { job: Job }) {
  const navigate = useNavigate()
  const { tab = 'transcript' } = useSearch({ from: '/signed-in/jobs/$jobId' })
  const feed = useJobFeed(job.id)
  const repositories = useQuery(repositoriesQuery)
  const repository = repositories.data?.find(({ id }) => id === job.repositoryId)
  const spans = withComing(feed.stages.spans, job)
  const show = (next: JobTab) => void navigate({ ...paths.job(job.id, next), replace: true })
  useTabKeys(show)
  return (
    <Tabs value={tab} onValueChange={value => show(value as JobTab)} className="flex flex-1 flex-col">
      <JobHeader job={job} />
      <p role="status" className="sr-only">
        Job {job.number}: {stateWord(job.state)}
        {job.state === 'running' && job.stage ? `, ${stageWord(job.stage)}` : ''}
        {job.state === 'waiting' && job.waitingFor ? `, ${waitingWord(job.waitingFor)}` : ''}
      </p>
      <div className={tab === 'diff' ? '' : 'lg:grid lg:grid-cols-[minmax(0,1fr)_19rem]'}>
        {tab !== 'diff' && <Aside job={job} spans={spans} repository={repository} />}
        <div className="min-w-0 px-4 py-4 md:px-6">
          <TabPanel value="transcript" className="mx-auto max-w-4xl outline-none">
            <TranscriptTab job={job} repository={repository} feed={feed} onShowDiff={() => show('diff')} />
          </TabPanel>
          <TabPanel value="diff" className="outline-none">
            <Suspense fallback={<SkeletonRows rows={6} label="Loading the diff" />}>
              <DiffTab job={job} />
            </Suspense>
          </TabPanel>
          <TabPanel value="details" className="mx-auto max-w-4xl outline-none">
            <DetailsTab job={job} feed={feed} />
          </TabPanel>
        </div>
      </div>
    </Tabs>
  )
}

function JobHeader({ job }: { job: Job }) {
  return (
    <header className="sticky top-0 z-20 border-b bg-canvas px-4 pt-2.5 md:px-6">
      <div className="flex items-center gap-2">
        <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-ink-3">
          <Link {...paths.jobs()} className="rounded hover:text-ink">
            Jobs
          </Link>
          <ChevronRight className="size-3.5" aria-hidden />
          <span className="tabular text-ink-2">#{job.number}</span>
        </nav>
        <StateBadge state={job.state} />
        {job.scriptedModel && (
          <Badge tone="amber" title="The answers did not come from Claude">
            <FlaskConical aria-hidden />
            scripted<span className="max-sm:hidden"> model</span>
          </Badge>
        )}
        <div className="ml-auto flex h-8 items-center">
          {!isOver(job) && (
            <>
              <ChangeJob job={job} />
              <CancelJob job={job} />
            </>
          )}
        </div>
      </div>
      <h1 className="mt-1 truncate text-lg font-semibold tracking-tight" title={firstLine(job.task, 1_000)}>
        {firstLine(job.task)}
      </h1>
      <TabList label="Job">
        <Tab value="transcript">Transcript</Tab>
        <Tab value="diff">
          Diff
          {job.result && job.headCommit && (
            <span className="tabular text-xs font-normal">
              <span className="text-green">+{job.result.insertions}</span>{' '}
              <span className="text-red">−{job.result.deletions}</span>
            </span>
          )}
        </Tab>
        <Tab value="details">Details</Tab>
      </TabList>
    </header>
  )
}

function Aside({
  job,
  spans,
  repository,
}: {
  job: Job
  spans: StageSpan[]
  repository: Parameters<typeof JobProperties>[0]['repository']
}) {
  const current = spans.find(span => span.status === 'current')
  const properties = <JobProperties job={job} repository={repository} spans={spans} />
  return (
    <>
      <aside aria-label="Properties" className="order-last hidden border-l lg:block">
        <div className="sticky top-[6.625rem] max-h-[calc(100dvh-6.625rem)] overflow-y-auto p-5">
          {properties}
        </div>
      </aside>
      <details className="group border-b lg:hidden">
        <summary className="flex min-h-10 list-none items-center gap-2 px-4 text-sm text-ink-2 md:px-6 [&::-webkit-details-marker]:hidden">
          <ChevronRight className="size-4 transition-transform group-open:rotate-90" aria-hidden />
          {current ? current.word : 'Stages and properties'}
        </summary>
        <div className="px-4 pb-4 md:px-6">{properties}</div>
      </details>
    </>
  )
}

function useTabKeys(show: (tab: JobTab) => void) {
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      const tab = /^[1-3]$/.test(event.key) ? JOB_TABS[Number(event.key) - 1] : undefined
      if (tab && isShortcut(event)) show(tab)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  })
}
