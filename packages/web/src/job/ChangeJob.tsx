// Changes an unfinished job: its budget, and while it has not started its priority and its time.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Pencil } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { changeJob } from '../api/endpoints.ts'
import { formErrors } from '../api/form-errors.ts'
import { jobQuery } from '../api/queries.ts'
import type { Job, JobChange, Priority } from '../api/types.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { formatUsd } from '../text/quantities.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Field } from '../ui/Field.tsx'
import { Input, Select } from '../ui/Input.tsx'
import { changeDraftOf, changeErrors, changeRequest } from './change-draft.ts'

export function ChangeJob({ job }: { job: Job }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button look="ghost" onClick={() => setOpen(true)}>
        <Pencil aria-hidden />
        Change
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title={`Change job #${job.number}`} className="max-w-md">
        <ChangeForm job={job} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  )
}

function ChangeForm({ job, onDone }: { job: Job; onDone: () => void }) {
  const queryClient = useQueryClient()
  const [draft, setDraft] = useState(() => changeDraftOf(job))
  const [local, setLocal] = useState<Record<string, string>>({})
  const save = useMutation({
    mutationFn: (change: JobChange) => changeJob(job.id, change),
    onSuccess: changed => {
      queryClient.setQueryData(jobQuery(job.id).queryKey, changed)
      void queryClient.invalidateQueries({ queryKey: ['jobs'] })
      onDone()
    },
  })
  const remote = formErrors(save.error, ['budgetUsd', 'runAt', 'priority'])
  const errorAt = (path: string) => local[path] ?? remote.at(path)
  const hasNotStarted = job.state === 'pending' || job.state === 'queued'

  function submit(event: FormEvent) {
    event.preventDefault()
    const errors = changeErrors(draft)
    setLocal(errors)
    if (Object.keys(errors).length > 0 || save.isPending) return
    const change = changeRequest(draft, job)
    if (Object.keys(change).length === 0) onDone()
    else save.mutate(change)
  }

  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <Field
        label="Budget"
        optional
        error={errorAt('budgetUsd')}
        hint={`US dollars in all; ${formatUsd(job.costUsd)} are spent. Empty: no limit.`}
      >
        {control => (
          <Input
            {...control}
            autoFocus
            value={draft.budgetUsd}
            onChange={event => setDraft({ ...draft, budgetUsd: event.target.value })}
            inputMode="decimal"
            autoComplete="off"
          />
        )}
      </Field>
      {hasNotStarted && (
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Priority" error={errorAt('priority')}>
            {control => (
              <Select
                {...control}
                className="w-full"
                value={draft.priority}
                onChange={event => setDraft({ ...draft, priority: event.target.value as Priority })}
              >
                <option value="low">Low</option>
                <option value="normal">Normal</option>
                <option value="high">High</option>
              </Select>
            )}
          </Field>
          <Field label="Start" optional error={errorAt('runAt')} hint="Empty: as soon as may be">
            {control => (
              <Input
                {...control}
                type="datetime-local"
                value={draft.runAt}
                onChange={event => setDraft({ ...draft, runAt: event.target.value })}
              />
            )}
          </Field>
        </div>
      )}
      {remote.general !== undefined && <ErrorNotice title="Nothing was changed" error={remote.general} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>Close</Button>
        <Button type="submit" look="primary" busy={save.isPending}>
          Save
        </Button>
      </div>
    </form>
  )
}
