// A new job: repository, task, how to check the result. Cmd/Ctrl+Enter sends it.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { submitJob } from '../api/endpoints.ts'
import { formErrors } from '../api/form-errors.ts'
import { createIdempotencyKeys } from '../api/idempotency.ts'
import { jobQuery, repositoriesQuery } from '../api/queries.ts'
import type { NewJob } from '../api/types.ts'
import { AdvancedFields } from '../job/AdvancedFields.tsx'
import { draftErrors, forgetDraft, type JobDraft, loadDraft, requestOf, saveDraft } from '../job/draft.ts'
import { RepositoryField } from '../job/RepositoryField.tsx'
import { paths } from '../paths.ts'
import { useDocumentTitle } from '../shell/document-title.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { Input, TextArea } from '../ui/Input.tsx'
import { Kbd } from '../ui/Kbd.tsx'
import { ListEditor } from '../ui/ListEditor.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'

const FIELDS = [
  'repositoryId',
  'task',
  'baseBranch',
  'branch',
  'priority',
  'verify',
  'setup',
  'model',
  'timeoutSeconds',
  'budgetUsd',
  'runAt',
  'needs',
]
const isApple = /Mac|iPhone|iPad/.test(navigator.platform)

export function NewJobPage() {
  useDocumentTitle('New job')
  const { repository } = useSearch({ from: '/signed-in/new' })
  const [draft, setDraft] = useState(() => {
    const loaded = loadDraft()
    return repository ? { ...loaded, repositoryId: repository } : loaded
  })
  const change = (part: Partial<JobDraft>) => setDraft(before => ({ ...before, ...part }))
  useOnlyRepository(draft, change)
  const { send, submit, errorAt, general } = useSubmit(draft)
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    // What was refused is shown where it can be put right.
    if (send.failedAt) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }, [send.failedAt])

  return (
    <>
      <PageHeader title="New job" />
      <form
        ref={form}
        onSubmit={submit}
        onKeyDown={event => {
          if (event.key !== 'Enter' || !(event.metaKey || event.ctrlKey)) return
          // Keys of a dialog bubble here too; it isn't inside in the document.
          if (!event.currentTarget.contains(event.target as Node)) return
          event.preventDefault()
          form.current?.requestSubmit()
        }}
        noValidate
        className="w-full max-w-2xl space-y-5 px-4 pb-16 md:px-6"
      >
        <Field
          label="Task"
          error={errorAt('task')}
          hint="What is to be done, and how one can tell that it is done."
        >
          {control => (
            <TextArea
              {...control}
              autoFocus
              rows={6}
              value={draft.task}
              onChange={event => change({ task: event.target.value })}
              placeholder="The checkout total is wrong when a coupon and free shipping are combined. Find out why, fix it, and add a test."
              className="min-h-36 text-base"
            />
          )}
        </Field>
        <div className="grid gap-5 sm:grid-cols-[minmax(0,1fr)_12rem]">
          <RepositoryField
            value={draft.repositoryId}
            error={errorAt('repositoryId')}
            onChange={repositoryId => change({ repositoryId })}
          />
          <Field label="Base branch" optional error={errorAt('baseBranch')}>
            {control => (
              <Input
                {...control}
                value={draft.baseBranch}
                onChange={event => change({ baseBranch: event.target.value })}
                placeholder="default branch"
                autoCapitalize="none"
                autoComplete="off"
                spellCheck={false}
                className="font-mono text-xs placeholder:font-sans"
              />
            )}
          </Field>
        </div>
        <ListEditor
          legend="Verify commands"
          hint="Run on the result. When one fails, Claude sees its output and tries again; the last run happens in a fresh container."
          itemLabel="Verify command"
          addLabel="Add command"
          placeholder="npm test"
          values={draft.verify}
          onChange={verify => change({ verify })}
          errorAt={index => errorAt(`verify.${index}`) ?? (index === 0 ? errorAt('verify') : undefined)}
        />
        <AdvancedFields draft={draft} onChange={change} errorAt={errorAt} />
        {general !== undefined && <ErrorNotice title="The job was not submitted" error={general} />}
        <div className="flex items-center gap-3">
          <Button type="submit" look="primary" busy={send.busy}>
            Run job
          </Button>
          <span className="flex items-center gap-1 text-xs text-ink-3 pointer-coarse:hidden">
            <Kbd>{isApple ? '⌘' : 'Ctrl'}</Kbd> <Kbd>↵</Kbd>
          </span>
        </div>
      </form>
    </>
  )
}

/** With a single repository there is nothing to choose. */
function useOnlyRepository(draft: JobDraft, change: (part: Partial<JobDraft>) => void) {
  const { data } = useQuery(repositoriesQuery)
  const only = data?.length === 1 ? data[0]?.id : undefined
  const stale = data !== undefined && !data.some(({ id }) => id === draft.repositoryId)
  useEffect(() => {
    if (stale && (only || draft.repositoryId)) change({ repositoryId: only ?? '' })
  })
}

function useSubmit(draft: JobDraft) {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const [keys] = useState(createIdempotencyKeys)
  const [local, setLocal] = useState<Record<string, string>>({})
  const [failedAt, setFailedAt] = useState(0)
  useEffect(() => saveDraft(draft), [draft])
  const send = useMutation({
    mutationFn: (body: NewJob) => submitJob(body, keys.keyFor(body)),
    onSuccess: job => {
      keys.done()
      forgetDraft()
      queryClient.setQueryData(jobQuery(job.id).queryKey, job)
      void queryClient.invalidateQueries({ queryKey: ['jobs'] })
      void navigate(paths.job(job.id))
    },
    onError: () => setFailedAt(Date.now()),
  })
  const remote = formErrors(send.error, FIELDS)

  function submit(event: FormEvent) {
    event.preventDefault()
    if (send.isPending) return
    const errors = draftErrors(draft)
    setLocal(errors)
    send.reset()
    if (Object.keys(errors).length > 0) setFailedAt(Date.now())
    else send.mutate(requestOf(draft))
  }

  return {
    submit,
    send: { busy: send.isPending || send.isSuccess, failedAt },
    errorAt: (path: string) => local[path] ?? remote.at(path),
    general: remote.general,
  }
}
