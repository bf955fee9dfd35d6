// Chooses a job's repository, or adds one on the spot.
import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { repositoriesQuery } from '../api/queries.ts'
import type { Repository } from '../api/types.ts'
import { AddRepositoryForm } from '../repository/AddRepositoryForm.tsx'
import { isHosted } from '../repository/git-address.ts'
import { PushHelp } from '../repository/PushHelp.tsx'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Field } from '../ui/Field.tsx'
import { Select } from '../ui/Input.tsx'

export function RepositoryField({
  value,
  error,
  onChange,
}: {
  value: string
  error: string | undefined
  onChange: (repositoryId: string) => void
}) {
  const repositories = useQuery(repositoriesQuery)
  const [adding, setAdding] = useState(false)
  const [added, setAdded] = useState<Repository>()
  const loadError = repositories.isError ? 'The repositories could not be loaded.' : undefined
  return (
    <div className="min-w-0 space-y-2">
      <Field label="Repository" error={error ?? loadError}>
        {control => (
          <div className="flex gap-2">
            <Select
              {...control}
              className="flex-1"
              value={value}
              onChange={event => onChange(event.target.value)}
            >
              <option value="">{repositories.isPending ? 'Loading…' : 'Choose…'}</option>
              {repositories.data?.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </Select>
            <Button onClick={() => setAdding(true)} className="pointer-coarse:h-10">
              <Plus aria-hidden />
              Add
            </Button>
          </div>
        )}
      </Field>
      {added && isHosted(added) && added.id === value && (
        <div>
          <p className="mb-1 text-xs text-ink-2">
            {added.name} is empty. Push what the job shall start from:
          </p>
          <PushHelp repository={added} />
        </div>
      )}
      <Dialog open={adding} onOpenChange={setAdding} title="Add repository">
        <AddRepositoryForm
          onDismiss={() => setAdding(false)}
          onAdded={repository => {
            setAdded(repository)
            onChange(repository.id)
            setAdding(false)
          }}
        />
      </Dialog>
    </div>
  )
}
