// The end of a job's page, where a person talks to it: what it asks, else words while it works, else a next turn.
import type { Job } from '../api/types.ts'
import { isOver } from '../job/times.ts'
import type { Entry, RequestEntry } from '../transcript/entries.ts'
import { AnswerCard } from './AnswerCard.tsx'
import { ReplyForm } from './ReplyForm.tsx'

const isOpen = (entry: Entry): entry is RequestEntry =>
  entry.kind === 'request' && !entry.verdict && !entry.isClosed

export function Conversation({ job, entries }: { job: Job; entries: readonly Entry[] }) {
  if (job.state === 'waiting') {
    return entries
      .filter(isOpen)
      .map(request => <AnswerCard key={request.requestId} jobId={job.id} request={request} />)
  }
  if (isOver(job)) {
    return (
      <Box>
        <ReplyForm
          jobId={job.id}
          label="Continue"
          hint="Claude goes on in the same conversation, on the branch as the job left it."
          action="Continue job"
        />
      </Box>
    )
  }
  if (job.state !== 'running') return null
  return (
    <Box>
      <ReplyForm
        jobId={job.id}
        label="Tell Claude something"
        hint="It reads it between two steps."
        action="Send"
      />
    </Box>
  )
}

function Box({ children }: { children: React.ReactNode }) {
  return (
    <section aria-label="Reply" className="rounded-lg border bg-raised p-4">
      {children}
    </section>
  )
}
