// Every field of a job, its verify runs, and its raw events.
import type { ReactNode } from 'react'
import type { Job, VerifyResult } from '../api/types.ts'
import { oneLine, revealHidden } from '../text/hidden.ts'
import { formatDuration } from '../text/quantities.ts'
import { Badge } from '../ui/Badge.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { TerminalText } from '../ui/TerminalText.tsx'
import { AttemptList } from './AttemptList.tsx'
import { EventTimeline } from './EventTimeline.tsx'
import type { JobFeed } from './use-job-feed.ts'

const FIELDS = [
  'id',
  'state',
  'priority',
  'model',
  'branch',
  'baseBranch',
  'baseCommit',
  'headCommit',
  'pullRequestUrl',
  'attempt',
  'turn',
  'timeoutSeconds',
  'budgetUsd',
  'runAt',
  'needs',
  'baseFrom',
  'scheduleId',
  'cache',
  'cachedFrom',
  'costUsd',
  'setup',
  'verify',
  'createdBy',
  'createdAt',
  'startedAt',
  'finishedAt',
] as const satisfies readonly (keyof Job)[]

export function DetailsTab({ job, feed }: { job: Job; feed: JobFeed }) {
  return (
    <div className="space-y-8">
      <Section
        title="Job"
        end={<CopyButton value={JSON.stringify(job, null, 2)} label="Copy the job as JSON" />}
      >
        <dl className="divide-y rounded-lg border text-sm">
          {FIELDS.map(name => (
            <div key={name} className="gap-4 px-3 py-1.5 sm:flex">
              <dt className="w-36 shrink-0 font-mono text-xs leading-5 text-ink-3">{name}</dt>
              <dd className="min-w-0 font-mono text-xs leading-5 wrap-anywhere whitespace-pre-wrap">
                {shown(job[name])}
              </dd>
            </div>
          ))}
        </dl>
      </Section>
      <Section title="Attempts">
        <AttemptList jobId={job.id} />
      </Section>
      {job.result && job.result.verify.length > 0 && (
        <Section title="Verify, in a fresh container">
          <ul className="space-y-3">
            {job.result.verify.map(run => (
              <VerifyRun key={run.command} run={run} />
            ))}
          </ul>
        </Section>
      )}
      <Section title="Events">
        <EventTimeline events={feed.events} count={feed.count} />
      </Section>
    </div>
  )
}

function shown(value: Job[(typeof FIELDS)[number]]): ReactNode {
  if (value === undefined || value === null || value === '') return <span className="text-ink-3">–</span>
  if (Array.isArray(value))
    return value.length === 0 ? <span className="text-ink-3">–</span> : revealHidden(value.join('\n'))
  return revealHidden(String(value))
}

function Section({ title, end, children }: { title: string; end?: ReactNode; children: ReactNode }) {
  return (
    <section>
      <h2 className="mb-2 flex items-center gap-1 text-base font-semibold">
        {title}
        {end}
      </h2>
      {children}
    </section>
  )
}

function VerifyRun({ run }: { run: VerifyResult }) {
  return (
    <li className="space-y-1.5">
      <p className="flex items-center gap-2">
        <Badge tone={run.exitCode === 0 ? 'green' : 'red'}>exit {run.exitCode}</Badge>
        <code className="min-w-0 truncate font-mono text-xs">{oneLine(run.command)}</code>
        <span className="tabular ml-auto shrink-0 text-xs text-ink-3">{formatDuration(run.durationMs)}</span>
      </p>
      <TerminalText text={run.output} label={`Output of ${oneLine(run.command)}`} />
    </li>
  )
}
