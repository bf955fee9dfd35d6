// What a person has typed for a new job, kept over a reload, and how it becomes a request. Knows the tab's storage.
import type { NewJob, Priority } from '../api/types.ts'
import { instantOf } from '../text/moments.ts'

export interface JobDraft {
  repositoryId: string
  baseBranch: string
  task: string
  verify: string[]
  setup: string[]
  branch: string
  priority: Priority
  model: string
  timeoutMinutes: string
  budgetUsd: string
  planFirst: boolean
  mayAsk: boolean
  /** As the field gives it: without a zone. */
  runAt: string
  needs: string
  cache: boolean
}

export const emptyDraft: JobDraft = {
  repositoryId: '',
  baseBranch: '',
  task: '',
  verify: [],
  setup: [],
  branch: '',
  priority: 'normal',
  model: '',
  timeoutMinutes: '',
  budgetUsd: '',
  planFirst: false,
  mayAsk: true,
  runAt: '',
  needs: '',
  cache: false,
}

/** What is wrong before anyone has to ask the server. Keys are the API's paths. */
export function draftErrors(draft: JobDraft): Record<string, string> {
  const errors: Record<string, string> = {}
  if (draft.repositoryId === '') errors.repositoryId = 'Choose the repository to work on.'
  if (draft.task.trim() === '') errors.task = 'Say what is to be done.'
  if (draft.timeoutMinutes.trim() !== '' && !(Number(draft.timeoutMinutes) > 0)) {
    errors.timeoutSeconds = 'Give a number of minutes above 0.'
  }
  if (draft.budgetUsd.trim() !== '' && !(Number(draft.budgetUsd) > 0)) {
    errors.budgetUsd = 'Give an amount in US dollars above 0.'
  }
  if (draft.needs.trim() !== '' && !/^(#?\d+[\s,]*)+$/.test(draft.needs.trim()))
    errors.needs = 'Give the numbers of jobs, such as #12, #13.'
  return errors
}

/** Empty fields are left out: the server's defaults hold. */
export function requestOf(draft: JobDraft): NewJob {
  return {
    repositoryId: draft.repositoryId,
    task: draft.task.trim(),
    baseBranch: draft.baseBranch.trim() || undefined,
    branch: draft.branch.trim() || undefined,
    priority: draft.priority === 'normal' ? undefined : draft.priority,
    verify: commandsOf(draft.verify),
    setup: commandsOf(draft.setup),
    model: draft.model.trim() || undefined,
    timeoutSeconds: draft.timeoutMinutes.trim() ? Math.round(Number(draft.timeoutMinutes) * 60) : undefined,
    runAt: instantOf(draft.runAt),
    needs: numbersOf(draft.needs),
    cache: draft.cache || undefined,
    budgetUsd: draft.budgetUsd.trim() ? Number(draft.budgetUsd) : undefined,
    planFirst: draft.planFirst || undefined,
    questions: draft.mayAsk ? undefined : 'decide',
  }
}

function commandsOf(lines: string[]): string[] | undefined {
  const commands = lines.map(line => line.trim()).filter(line => line !== '')
  return commands.length > 0 ? commands : undefined
}

/** `#12, 13` → ['12', '13'] */
function numbersOf(text: string): string[] | undefined {
  return text.match(/\d+/g) ?? undefined
}

const STORED_AS = 'flowforge.newJob'

export function loadDraft(): JobDraft {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORED_AS) ?? '{}')
    return { ...emptyDraft, ...(stored as Partial<JobDraft>) }
  } catch {
    return emptyDraft
  }
}

export function saveDraft(draft: JobDraft) {
  try {
    sessionStorage.setItem(STORED_AS, JSON.stringify(draft))
  } catch {
    // A task of megabytes does not fit; it stays in the page.
  }
}

export const forgetDraft = () => sessionStorage.removeItem(STORED_AS)
