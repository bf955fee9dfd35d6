// A call that a rule of the repository reserves: allow it, or say no and what to do instead.
import { useState } from 'react'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import type { RequestEntry } from '../transcript/entries.ts'
import { Call } from '../transcript/RequestRow.tsx'
import { callIn } from '../transcript/requests.ts'
import { Button } from '../ui/Button.tsx'
import { NoteForm } from './NoteForm.tsx'
import { useVerdict } from './use-conversation.ts'

export function CallForm({ jobId, request }: { jobId: string; request: RequestEntry }) {
  const [isExplaining, setExplaining] = useState(false)
  const verdict = useVerdict(jobId)
  const { requestId } = request
  return (
    <div className="space-y-4">
      <Call {...callIn(request.input)} />
      {verdict.isError && <ErrorNotice error={verdict.error} />}
      {isExplaining ? (
        <NoteForm
          label="What should Claude do instead?"
          action="Deny"
          busy={verdict.isPending}
          onSend={note => verdict.mutate({ requestId, decision: 'deny', note })}
          onCancel={() => setExplaining(false)}
        />
      ) : (
        <div className="flex flex-wrap gap-2">
          <Button
            look="primary"
            busy={verdict.isPending}
            onClick={() => verdict.mutate({ requestId, decision: 'allow' })}
          >
            Allow
          </Button>
          <Button onClick={() => verdict.mutate({ requestId, decision: 'deny' })}>Deny</Button>
          <Button look="ghost" onClick={() => setExplaining(true)}>
            Deny and say why
          </Button>
        </div>
      )}
    </div>
  )
}
