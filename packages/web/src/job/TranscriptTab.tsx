// The transcript with what surrounds it: the task, the result, and how the connection is.
import { LoaderCircle, WifiOff } from 'lucide-react'
import { useState } from 'react'
import type { Job, Repository } from '../api/types.ts'
import { Conversation } from '../conversation/Conversation.tsx'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import type { Entry } from '../transcript/entries.ts'
import { TranscriptView } from '../transcript/TranscriptView.tsx'
import { ResultCard } from './ResultCard.tsx'
import { TaskCard } from './TaskCard.tsx'
import { isOver } from './times.ts'
import type { JobFeed } from './use-job-feed.ts'

export function TranscriptTab({
  job,
  repository,
  feed,
  onShowDiff,
}: {
  job: Job
  repository: Repository | undefined
  feed: JobFeed
  onShowDiff: () => void
}) {
  // Who watched to the end finds the result at the end; who comes later finds it first.
  const [cameLate] = useState(() => isOver(job))
  const { entries } = feed.transcript
  const result = isOver(job) && (
    <ResultCard
      job={job}
      repository={repository}
      // Claude's last words stand right above it then.
      withSummary={cameLate || !saidLast(entries, job.result?.summary)}
      onShowDiff={onShowDiff}
    />
  )
  return (
    <div className="space-y-4">
      {cameLate && result}
      <TaskCard task={job.task} />
      {entries.length > 0 && (
        <TranscriptView transcript={feed.transcript} follow={!cameLate} running={!isOver(job)} />
      )}
      <FeedStatus job={job} feed={feed} />
      {!cameLate && result}
      {feed.state !== 'loading' && <Conversation job={job} entries={entries} />}
    </div>
  )
}

function saidLast(entries: readonly Entry[], summary: string | undefined): boolean {
  const last = entries.findLast(entry => entry.kind === 'message')
  return last?.kind === 'message' && last.text.trim() === summary?.trim()
}

function FeedStatus({ job, feed }: { job: Job; feed: JobFeed }) {
  if (feed.state === 'reconnecting' && feed.error) {
    return <ErrorNotice title="The events could not be loaded; trying again…" error={feed.error} />
  }
  if (feed.state === 'reconnecting') {
    return (
      <Line>
        <WifiOff className="size-4" aria-hidden /> The connection was cut; reconnecting…
      </Line>
    )
  }
  if (feed.state === 'loading') {
    return (
      <Line>
        <LoaderCircle className="size-4 animate-spin" aria-hidden /> Loading events…
      </Line>
    )
  }
  if (job.state === 'queued') {
    return (
      <Line>
        <LoaderCircle className="size-4 animate-spin" aria-hidden />
        {job.queuePosition
          ? `${job.queuePosition}. in the queue; it starts when a worker is free.`
          : 'In the queue; it starts when a worker is free.'}
      </Line>
    )
  }
  if (job.state === 'pending') return <Line>It waits for its time or for the jobs that it needs.</Line>
  return null
}

function Line({ children }: { children: React.ReactNode }) {
  return (
    <p role="status" className="flex items-center gap-2 px-2 text-sm text-ink-3">
      {children}
    </p>
  )
}
