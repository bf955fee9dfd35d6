// Words to Claude: Ctrl+Enter sends. What could not be sent stays.
import { CornerDownLeft } from 'lucide-react'
import { type FormEvent, type KeyboardEvent, useState } from 'react'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { TextArea } from '../ui/Input.tsx'
import { useReply } from './use-conversation.ts'

export function ReplyForm({
  jobId,
  label,
  hint,
  action,
}: {
  jobId: string
  label: string
  hint?: string
  action: string
}) {
  const [text, setText] = useState('')
  const reply = useReply(jobId)
  const isEmpty = text.trim() === ''
  function send(event: FormEvent | KeyboardEvent) {
    event.preventDefault()
    if (!isEmpty && !reply.isPending) reply.mutate({ text: text.trim() }, { onSuccess: () => setText('') })
  }
  return (
    <form onSubmit={send} className="space-y-2">
      <Field label={label} hint={hint}>
        {control => (
          <TextArea
            {...control}
            rows={2}
            value={text}
            onChange={event => setText(event.target.value)}
            onKeyDown={event => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send(event)
            }}
          />
        )}
      </Field>
      {reply.isError && <ErrorNotice error={reply.error} />}
      <Button type="submit" look={isEmpty ? 'secondary' : 'primary'} busy={reply.isPending}>
        <CornerDownLeft aria-hidden />
        {action}
      </Button>
    </form>
  )
}
