// Adds a repository: an upstream by its URL, or one that FlowForge hosts itself.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { addRepository } from '../api/endpoints.ts'
import { formErrors } from '../api/form-errors.ts'
import { createIdempotencyKeys } from '../api/idempotency.ts'
import { repositoriesQuery } from '../api/queries.ts'
import type { Repository } from '../api/types.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { Input } from '../ui/Input.tsx'

export function AddRepositoryForm({
  onAdded,
  onDismiss,
}: {
  onAdded: (repository: Repository) => void
  onDismiss: () => void
}) {
  const queryClient = useQueryClient()
  const [keys] = useState(createIdempotencyKeys)
  const [name, setName] = useState('')
  const [url, setUrl] = useState('')
  const [missing, setMissing] = useState(false)
  const add = useMutation({
    mutationFn: (body: { name: string; url?: string }) => addRepository(body, keys.keyFor(body)),
    onSuccess: async repository => {
      keys.done()
      await queryClient.invalidateQueries({ queryKey: repositoriesQuery.queryKey })
      onAdded(repository)
    },
  })
  const errors = formErrors(add.error, ['name', 'url'])

  function submit(event: FormEvent) {
    event.preventDefault()
    // Inside the form of a new job the outer one must not be sent along.
    event.stopPropagation()
    const trimmed = { name: name.trim() || nameFromUrl(url), url: url.trim() || undefined }
    setMissing(trimmed.name === '')
    if (trimmed.name !== '' && !add.isPending) add.mutate(trimmed)
  }

  return (
    <form onSubmit={submit} className="space-y-3" noValidate>
      <Field
        label="Git URL"
        optional
        error={errors.at('url')}
        hint="Empty: FlowForge hosts the repository and you push to it."
      >
        {control => (
          <Input
            {...control}
            autoFocus
            value={url}
            onChange={event => setUrl(event.target.value)}
            placeholder="https://github.com/acme/shop.git"
            inputMode="url"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            className="font-mono text-xs"
          />
        )}
      </Field>
      <Field label="Name" error={errors.at('name') ?? (missing ? 'Give the repository a name.' : undefined)}>
        {control => (
          <Input
            {...control}
            value={name}
            onChange={event => setName(event.target.value)}
            placeholder={nameFromUrl(url) || 'shop'}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        )}
      </Field>
      {errors.general !== undefined && <ErrorNotice error={errors.general} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onDismiss}>Close</Button>
        <Button type="submit" look="primary" busy={add.isPending}>
          Add repository
        </Button>
      </div>
    </form>
  )
}

const nameFromUrl = (url: string): string => /([^/:]+?)(?:\.git)?\/?$/.exec(url.trim())?.[1] ?? ''
