// Makes a schedule, or changes one.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { changeSchedule, createSchedule } from '../api/endpoints.ts'
import { formErrors } from '../api/form-errors.ts'
import { createIdempotencyKeys } from '../api/idempotency.ts'
import { schedulesQuery } from '../api/queries.ts'
import type { NewSchedule, Schedule } from '../api/types.ts'
import { RepositoryField } from '../job/RepositoryField.tsx'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { Input, Select, TextArea } from '../ui/Input.tsx'
import { ListEditor } from '../ui/ListEditor.tsx'
import { CronFields } from './CronFields.tsx'
import {
  draftOf,
  emptySchedule,
  type ScheduleDraft,
  scheduleErrors,
  scheduleRequest,
} from './schedule-draft.ts'

const FIELDS = [
  'name',
  'repositoryId',
  'cron',
  'timezone',
  'job.task',
  'job.baseBranch',
  'job.verify',
  'job.budgetUsd',
]

export function ScheduleForm({ schedule, onDone }: { schedule?: Schedule | undefined; onDone: () => void }) {
  const [draft, setDraft] = useState(() => (schedule ? draftOf(schedule) : emptySchedule()))
  const change = (part: Partial<ScheduleDraft>) => setDraft(before => ({ ...before, ...part }))
  const { submit, busy, errorAt, general } = useSave(draft, schedule, onDone)
  const text = (name: 'name' | 'baseBranch' | 'budgetUsd') => ({
    value: draft[name],
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => change({ [name]: event.target.value }),
    autoComplete: 'off',
  })
  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Name" error={errorAt('name')}>
          {control => <Input {...control} {...text('name')} autoFocus placeholder="nightly updates" />}
        </Field>
        <RepositoryField
          value={draft.repositoryId}
          error={errorAt('repositoryId')}
          onChange={repositoryId => change({ repositoryId })}
        />
      </div>
      <CronFields cron={draft.cron} timezone={draft.timezone} onChange={change} errorAt={errorAt} />
      <Field
        label="Task"
        error={errorAt('job.task')}
        hint="What each run is to do, on the newest state of the branch."
      >
        {control => (
          <TextArea
            {...control}
            rows={4}
            value={draft.task}
            onChange={event => change({ task: event.target.value })}
            placeholder="Bring the dependencies up to date, one commit each. Leave out what breaks the tests, and say why."
          />
        )}
      </Field>
      <ListEditor
        legend="Verify commands"
        itemLabel="Verify command"
        addLabel="Add command"
        placeholder="npm test"
        values={draft.verify}
        onChange={verify => change({ verify })}
        errorAt={index => errorAt(`job.verify.${index}`) ?? (index === 0 ? errorAt('job.verify') : undefined)}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Base branch" optional error={errorAt('job.baseBranch')}>
          {control => (
            <Input {...control} {...text('baseBranch')} placeholder="default branch" spellCheck={false} />
          )}
        </Field>
        <Field label="Budget of each run" optional error={errorAt('job.budgetUsd')} hint="US dollars">
          {control => <Input {...control} {...text('budgetUsd')} inputMode="decimal" placeholder="none" />}
        </Field>
        <Field label="While the run before is unfinished">
          {control => (
            <Select
              {...control}
              className="w-full"
              value={draft.overlap}
              onChange={event => change({ overlap: event.target.value as ScheduleDraft['overlap'] })}
            >
              <option value="skip">Skip this one</option>
              <option value="queue">Queue it behind</option>
              <option value="cancel_previous">Cancel the one before</option>
            </Select>
          )}
        </Field>
        <Field label="When FlowForge was not running">
          {control => (
            <Select
              {...control}
              className="w-full"
              value={draft.missed}
              onChange={event => change({ missed: event.target.value as ScheduleDraft['missed'] })}
            >
              <option value="run_once">Make up for it once</option>
              <option value="skip">Skip what was missed</option>
            </Select>
          )}
        </Field>
      </div>
      {general !== undefined && <ErrorNotice title="The schedule was not saved" error={general} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>Close</Button>
        <Button type="submit" look="primary" busy={busy}>
          {schedule ? 'Save' : 'Create schedule'}
        </Button>
      </div>
    </form>
  )
}

function useSave(draft: ScheduleDraft, schedule: Schedule | undefined, onDone: () => void) {
  const queryClient = useQueryClient()
  const [keys] = useState(createIdempotencyKeys)
  const [local, setLocal] = useState<Record<string, string>>({})
  const save = useMutation({
    mutationFn: (body: NewSchedule) =>
      schedule ? changeSchedule(schedule.id, body) : createSchedule(body, keys.keyFor(body)),
    onSuccess: async () => {
      keys.done()
      await queryClient.invalidateQueries({ queryKey: schedulesQuery.queryKey })
      onDone()
    },
  })
  const remote = formErrors(save.error, FIELDS)

  function submit(event: FormEvent) {
    event.preventDefault()
    event.stopPropagation()
    const errors = scheduleErrors(draft)
    setLocal(errors)
    save.reset()
    if (Object.keys(errors).length === 0 && !save.isPending) save.mutate(scheduleRequest(draft, schedule))
  }
  return {
    submit,
    busy: save.isPending,
    errorAt: (path: string) => local[path] ?? remote.at(path),
    general: remote.general,
  }
}
