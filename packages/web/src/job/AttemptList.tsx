// Every try at a job: how it ended, how long it took, and what is left of it.
import { useQuery } from '@tanstack/react-query'
import { jobAttemptsQuery } from '../api/queries.ts'
import type { Attempt } from '../api/types.ts'
import { formatDuration } from '../text/quantities.ts'
import { Badge } from '../ui/Badge.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'

export function AttemptList({ jobId }: { jobId: string }) {
  const { data: attempts = [] } = useQuery(jobAttemptsQuery(jobId))
  if (attempts.length === 0) return <p className="text-sm text-ink-3">No worker has taken the job yet.</p>
  return (
    <ul className="divide-y rounded-lg border text-sm">
      {attempts.map(attempt => (
        <AttemptRow key={attempt.number} attempt={attempt} />
      ))}
    </ul>
  )
}

function AttemptRow({ attempt }: { attempt: Attempt }) {
  const { number, startedAt, endedAt, endReason, failure, pushedCommit, rescuedCommit } = attempt
  const commit = pushedCommit ?? rescuedCommit
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-1.5">
      <span className="tabular font-medium">Attempt {number}</span>
      <Badge tone={TONES[endReason ?? ''] ?? 'neutral'}>{failure ?? endReason ?? 'runs'}</Badge>
      {endedAt && (
        <span className="tabular text-xs text-ink-3">
          {formatDuration(Date.parse(endedAt) - Date.parse(startedAt))}
        </span>
      )}
      {commit && (
        <span className="ml-auto flex items-center gap-1 text-xs text-ink-3">
          {pushedCommit ? 'pushed' : 'saved when it broke off'}
          <code className="font-mono">{commit.slice(0, 7)}</code>
          <CopyButton value={commit} label={`Copy the commit of attempt ${number}`} />
        </span>
      )}
    </li>
  )
}

const TONES: Record<string, 'green' | 'red'> = { succeeded: 'green', failed: 'red', lost: 'red' }
