// Makes an API key and shows it once. It leaves the memory when the dialog closes.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { createApiKey } from '../api/endpoints.ts'
import { formErrors } from '../api/form-errors.ts'
import { createIdempotencyKeys } from '../api/idempotency.ts'
import { apiKeysQuery } from '../api/queries.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { CommandLine } from '../ui/CopyButton.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Field } from '../ui/Field.tsx'
import { Input } from '../ui/Input.tsx'

export function CreateKeyDialog({
  open,
  onOpenChange,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
}) {
  const queryClient = useQueryClient()
  const [keys] = useState(createIdempotencyKeys)
  const [name, setName] = useState('')
  const [nameMissing, setNameMissing] = useState(false)
  const create = useMutation({
    mutationFn: (body: { name: string }) => createApiKey(body, keys.keyFor(body)),
    gcTime: 0,
    onSuccess: () => {
      keys.done()
      void queryClient.invalidateQueries({ queryKey: apiKeysQuery.queryKey })
    },
  })
  const errors = formErrors(create.error, ['name'])

  function close(next: boolean) {
    onOpenChange(next)
    if (next) return
    setName('')
    setNameMissing(false)
    create.reset()
  }

  function submit(event: FormEvent) {
    event.preventDefault()
    setNameMissing(name.trim() === '')
    if (name.trim() !== '' && !create.isPending) create.mutate({ name: name.trim() })
  }

  if (create.data) {
    return (
      <Dialog
        open={open}
        onOpenChange={close}
        title="Copy your new key"
        description="It is shown this once: FlowForge keeps only a hash of it."
      >
        <CommandLine command={create.data.key} label="Copy the key" />
        <div className="mt-4 flex justify-end">
          <Button look="primary" onClick={() => close(false)}>
            Done
          </Button>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog open={open} onOpenChange={close} title="New API key">
      <form onSubmit={submit} className="space-y-4" noValidate>
        <Field
          label="Name"
          hint="What will use it: a laptop, a pipeline, a bot."
          error={
            errors.at('name') ??
            (nameMissing ? 'Give the key a name, so that you know later what it was for.' : undefined)
          }
        >
          {control => (
            <Input
              {...control}
              autoFocus
              value={name}
              onChange={event => setName(event.target.value)}
              autoComplete="off"
            />
          )}
        </Field>
        {errors.general !== undefined && <ErrorNotice error={errors.general} />}
        <div className="flex justify-end">
          <Button type="submit" look="primary" busy={create.isPending}>
            Create key
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
