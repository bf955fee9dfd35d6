// Claude's plan, to be approved or sent back with what should change.
import { useState } from 'react'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import type { RequestEntry } from '../transcript/entries.ts'
import { planIn } from '../transcript/requests.ts'
import { Message } from '../transcript/Words.tsx'
import { Button } from '../ui/Button.tsx'
import { NoteForm } from './NoteForm.tsx'
import { useVerdict } from './use-conversation.ts'

export function PlanForm({ jobId, request }: { jobId: string; request: RequestEntry }) {
  const [isChanging, setChanging] = useState(false)
  const verdict = useVerdict(jobId)
  const { requestId } = request
  return (
    <div className="space-y-4">
      <div className="max-h-[50dvh] overflow-y-auto rounded-md border bg-canvas px-4 py-3">
        <Message text={planIn(request.input) || 'The plan has no words.'} />
      </div>
      {verdict.isError && <ErrorNotice error={verdict.error} />}
      {isChanging ? (
        <NoteForm
          label="What should change?"
          action="Send back"
          busy={verdict.isPending}
          onSend={note => verdict.mutate({ requestId, decision: 'deny', note })}
          onCancel={() => setChanging(false)}
        />
      ) : (
        <div className="flex flex-wrap gap-2">
          <Button
            look="primary"
            busy={verdict.isPending}
            onClick={() => verdict.mutate({ requestId, decision: 'allow' })}
          >
            Approve plan
          </Button>
          <Button onClick={() => setChanging(true)}>Ask for changes</Button>
        </div>
      )}
    </div>
  )
}
