// A few words that go with a no. Opened on purpose, so it takes the focus.
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { TextArea } from '../ui/Input.tsx'

export function NoteForm({
  label,
  action,
  busy,
  onSend,
  onCancel,
}: {
  label: string
  action: string
  busy: boolean
  onSend: (note: string) => void
  onCancel: () => void
}) {
  const [note, setNote] = useState('')
  const [isRefused, setRefused] = useState(false)
  const area = useRef<HTMLTextAreaElement>(null)
  useEffect(() => area.current?.focus(), [])
  function send(event: FormEvent) {
    event.preventDefault()
    setRefused(note.trim() === '')
    if (note.trim() !== '') onSend(note.trim())
  }
  return (
    <form onSubmit={send} className="space-y-2">
      <Field label={label} error={isRefused && note.trim() === '' ? 'Say it in a few words.' : undefined}>
        {control => (
          <TextArea
            {...control}
            ref={area}
            rows={3}
            value={note}
            onChange={event => setNote(event.target.value)}
          />
        )}
      </Field>
      <div className="flex gap-2">
        <Button type="submit" look="primary" busy={busy}>
          {action}
        </Button>
        <Button look="ghost" onClick={onCancel}>
          Back
        </Button>
      </div>
    </form>
  )
}
