// What a person has typed for a schedule, and how it becomes a request. Pure but for the browser's own time zone.
import type { NewSchedule, Schedule } from '../api/types.ts'
import { localZone } from '../text/moments.ts'

export interface ScheduleDraft {
  name: string
  repositoryId: string
  cron: string
  timezone: string
  task: string
  baseBranch: string
  verify: string[]
  budgetUsd: string
  overlap: Schedule['overlap']
  missed: Schedule['missed']
}

export const emptySchedule = (): ScheduleDraft => ({
  name: '',
  repositoryId: '',
  cron: '0 3 * * 1-5',
  timezone: localZone(),
  task: '',
  baseBranch: '',
  verify: [],
  budgetUsd: '',
  overlap: 'skip',
  missed: 'run_once',
})

export const draftOf = ({ job, ...schedule }: Schedule): ScheduleDraft => ({
  name: schedule.name,
  repositoryId: schedule.repositoryId ?? '',
  cron: schedule.cron,
  timezone: schedule.timezone,
  task: job.task,
  baseBranch: job.baseBranch ?? '',
  verify: job.verify ?? [],
  budgetUsd: job.budgetUsd === undefined ? '' : String(job.budgetUsd),
  overlap: schedule.overlap,
  missed: schedule.missed,
})

/** What is wrong before anyone has to ask the server. Keys are the API's paths. */
export function scheduleErrors(draft: ScheduleDraft): Record<string, string> {
  const errors: Record<string, string> = {}
  if (draft.name.trim() === '') errors.name = 'Give the schedule a name.'
  if (draft.repositoryId === '') errors.repositoryId = 'Choose the repository to work on.'
  if (draft.task.trim() === '') errors['job.task'] = 'Say what is to be done each time.'
  if (draft.cron.trim() === '') errors.cron = 'Say when it runs.'
  if (draft.budgetUsd.trim() !== '' && !(Number(draft.budgetUsd) > 0))
    errors['job.budgetUsd'] = 'Give an amount in US dollars above 0.'
  return errors
}

/** What the form does not show of an earlier job (a model, a limit set by the command line) stays as it is. */
export function scheduleRequest(draft: ScheduleDraft, earlier?: Schedule): NewSchedule {
  const verify = draft.verify.map(line => line.trim()).filter(line => line !== '')
  return {
    name: draft.name.trim(),
    repositoryId: draft.repositoryId,
    cron: draft.cron.trim(),
    timezone: draft.timezone.trim(),
    job: {
      ...earlier?.job,
      task: draft.task.trim(),
      baseBranch: draft.baseBranch.trim() || undefined,
      verify: verify.length > 0 ? verify : undefined,
      budgetUsd: draft.budgetUsd.trim() ? Number(draft.budgetUsd) : undefined,
    },
    overlap: draft.overlap,
    missed: draft.missed,
  }
}
