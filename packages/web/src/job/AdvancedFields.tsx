// The settings that most jobs leave alone. Open when one of them is set or refused.
import { ChevronRight } from 'lucide-react'
import { useState } from 'react'
import type { Priority } from '../api/types.ts'
import { Field } from '../ui/Field.tsx'
import { Input, Select } from '../ui/Input.tsx'
import { ListEditor } from '../ui/ListEditor.tsx'
import type { JobDraft } from './draft.ts'

const PATHS = [
  'setup',
  'setup.0',
  'branch',
  'priority',
  'model',
  'timeoutSeconds',
  'budgetUsd',
  'runAt',
  'needs',
]

export function AdvancedFields({
  draft,
  onChange,
  errorAt,
}: {
  draft: JobDraft
  onChange: (part: Partial<JobDraft>) => void
  errorAt: (path: string) => string | undefined
}) {
  const used =
    draft.setup.length > 0 ||
    draft.branch ||
    draft.model ||
    draft.timeoutMinutes ||
    draft.budgetUsd ||
    draft.planFirst ||
    !draft.mayAsk ||
    draft.runAt ||
    draft.needs ||
    draft.cache ||
    draft.priority !== 'normal'
  const [open, setOpen] = useState(Boolean(used))
  const refused = PATHS.some(path => errorAt(path))
  const text = (name: 'branch' | 'model' | 'timeoutMinutes' | 'budgetUsd' | 'runAt' | 'needs') => ({
    value: draft[name],
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => onChange({ [name]: event.target.value }),
    autoCapitalize: 'none',
    autoComplete: 'off',
    spellCheck: false,
  })
  return (
    <details open={open || refused} onToggle={event => setOpen(event.currentTarget.open)} className="group">
      <summary className="-ml-1 inline-flex list-none items-center gap-1 rounded pr-1 text-sm font-medium text-ink-2 hover:text-ink [&::-webkit-details-marker]:hidden">
        <ChevronRight className="size-4 transition-transform group-open:rotate-90" aria-hidden />
        Advanced
      </summary>
      <div className="mt-4 space-y-5">
        <PeopleFields draft={draft} onChange={onChange} />
        <ListEditor
          legend="Setup commands"
          hint="Run once before Claude starts, for instance to install dependencies."
          itemLabel="Setup command"
          addLabel="Add command"
          placeholder="npm ci"
          values={draft.setup}
          onChange={setup => onChange({ setup })}
          errorAt={index => errorAt(`setup.${index}`) ?? (index === 0 ? errorAt('setup') : undefined)}
        />
        <div className="grid gap-5 sm:grid-cols-2">
          <Field label="Branch for the result" optional error={errorAt('branch')}>
            {control => (
              <Input
                {...control}
                {...text('branch')}
                placeholder="made from the task"
                className="font-mono text-xs placeholder:font-sans"
              />
            )}
          </Field>
          <Field label="Priority" error={errorAt('priority')}>
            {control => (
              <Select
                {...control}
                className="w-full"
                value={draft.priority}
                onChange={event => onChange({ priority: event.target.value as Priority })}
              >
                <option value="low">Low</option>
                <option value="normal">Normal</option>
                <option value="high">High</option>
              </Select>
            )}
          </Field>
          <Field label="Start" optional error={errorAt('runAt')} hint="Not before this time, by your clock">
            {control => <Input {...control} {...text('runAt')} type="datetime-local" />}
          </Field>
          <Field label="Needs" optional error={errorAt('needs')} hint="Jobs that must have succeeded first">
            {control => <Input {...control} {...text('needs')} placeholder="#12, #13" />}
          </Field>
          <Field label="Model" optional error={errorAt('model')}>
            {control => (
              <Input
                {...control}
                {...text('model')}
                placeholder="the system’s default"
                className="font-mono text-xs placeholder:font-sans"
              />
            )}
          </Field>
          <div className="grid grid-cols-2 gap-4">
            <Field label="Timeout" optional error={errorAt('timeoutSeconds')} hint="Minutes">
              {control => (
                <Input {...control} {...text('timeoutMinutes')} inputMode="decimal" placeholder="default" />
              )}
            </Field>
            <Field label="Budget" optional error={errorAt('budgetUsd')} hint="US dollars">
              {control => (
                <Input {...control} {...text('budgetUsd')} inputMode="decimal" placeholder="none" />
              )}
            </Field>
          </div>
        </div>
        <label className="flex items-start gap-2 text-sm">
          <input
            type="checkbox"
            checked={draft.cache}
            onChange={event => onChange({ cache: event.target.checked })}
            className="mt-0.5 size-4 shrink-0 accent-primary"
          />
          <span>
            An earlier result will do
            <span className="block text-xs text-ink-3">
              When the same task has succeeded on the same commit, its result is given again at no cost.
            </span>
          </span>
        </label>
      </div>
    </details>
  )
}

/** When Claude comes back to a person before it is done. */
function PeopleFields({ draft, onChange }: { draft: JobDraft; onChange: (part: Partial<JobDraft>) => void }) {
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1 text-sm font-medium">You and Claude</legend>
      <Check
        label="Plan first"
        hint="Claude only plans, until you approve the plan."
        checked={draft.planFirst}
        onChange={planFirst => onChange({ planFirst })}
      />
      <Check
        label="Claude may ask questions"
        hint="Otherwise it decides everything itself."
        checked={draft.mayAsk}
        onChange={mayAsk => onChange({ mayAsk })}
      />
    </fieldset>
  )
}

function Check({
  label,
  hint,
  checked,
  onChange,
}: {
  label: string
  hint: string
  checked: boolean
  onChange: (checked: boolean) => void
}) {
  return (
    <label className="flex items-start gap-2 text-sm">
      <input
        type="checkbox"
        className="mt-1"
        checked={checked}
        onChange={event => onChange(event.target.checked)}
      />
      <span>
        {label} <span className="block text-xs text-ink-3">{hint}</span>
      </span>
    </label>
  )
}
