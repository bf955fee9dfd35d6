// What a person asks for with a new job: its checks, and the row that is made of it. Pure.
import type { Priority, Questions } from '@flowforge/protocol'
import { isValidBranchName } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'
import type { NewJob } from '../store/jobs.ts'
import type { RepositoryRow } from '../store/repositories.ts'
import { branchFor } from './branch-names.ts'
import { priorityNumber } from './view.ts'

export interface Submission {
  repositoryId: string
  task: string
  baseBranch?: string
  branch?: string
  priority?: Priority
  runAt?: Date
  verify?: string[]
  setup?: string[]
  environment?: Record<string, string>
  model?: string
  budgetUsd?: number
  timeoutSeconds?: number
  maxAttempts?: number
  /** How long it may wait in the queue. */
  queueTimeoutSeconds?: number
  /** Ids or numbers of jobs that must have succeeded; within a batch also their keys. */
  needs?: string[]
  /** One of `needs`: start from its result instead of the base branch. */
  baseFrom?: string
  /** An earlier result of the same task on the same commit will do. */
  cache?: boolean
  /** Only plan, until a person approves the plan. */
  planFirst?: boolean
  /** `decide`: nobody answers. */
  questions?: Questions
}

/** Where a job comes from when no person submits it. */
export interface Origin {
  scheduleId: string
  /** The job that must have ended first. */
  startAfter: string | null
}

export interface Submitter {
  organizationId: string
  /** null: the person is gone who planned it. */
  userId: string | null
}

const DEFAULT_TIMEOUT_SECONDS = 3600
const DEFAULT_MAX_ATTEMPTS = 2

/** Clocks of people and server differ a little. */
const RUN_AT_TOLERANCE_MS = 60_000
const RUN_AT_MOST_DAYS = 366

/** A time that has just passed means: at once (null). Throws `run_at_invalid`. */
export function startTime(runAt: Date | undefined, nowMs: number): Date | null {
  if (runAt === undefined) return null
  const aheadMs = runAt.getTime() - nowMs
  if (aheadMs < -RUN_AT_TOLERANCE_MS)
    throw new FlowForgeError(
      'run_at_invalid',
      `runAt: ${runAt.toISOString()} has passed. Leave it out to start the job at once.`,
    )
  if (aheadMs > RUN_AT_MOST_DAYS * 24 * 3600_000)
    throw new FlowForgeError(
      'run_at_invalid',
      `runAt: ${runAt.toISOString()} is more than a year away. Choose an earlier time, or make a schedule.`,
    )
  return aheadMs > 0 ? runAt : null
}

export interface Planned {
  id: string
  number: number
  state: 'pending' | 'queued'
  runAt: Date | null
  /** Ids, resolved. */
  needs: string[]
  baseFrom: string | null
  origin: Origin | null
}

export function newJob(
  submitter: Submitter,
  submission: Submission,
  repository: RepositoryRow,
  planned: Planned,
): NewJob {
  return {
    id: planned.id,
    organization_id: submitter.organizationId,
    repository_id: repository.id,
    number: planned.number,
    created_by: submitter.userId,
    state: planned.state,
    priority: priorityNumber(submission.priority ?? 'normal'),
    task: submission.task,
    base_branch: submission.baseBranch ?? repository.default_branch,
    branch: submission.branch ?? branchFor(planned.number, submission.task),
    model: submission.model ?? null,
    setup: submission.setup ?? repository.settings.setup ?? [],
    verify: submission.verify ?? repository.settings.verify ?? [],
    environment: submission.environment ?? {},
    budget_usd: submission.budgetUsd ?? null,
    timeout_seconds: submission.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    max_attempts: submission.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    queue_timeout_seconds: submission.queueTimeoutSeconds ?? null,
    run_at: planned.runAt,
    needs: planned.needs,
    base_from: planned.baseFrom,
    start_after: planned.origin?.startAfter ?? null,
    schedule_id: planned.origin?.scheduleId ?? null,
    cache: submission.cache ?? false,
    plan_first: submission.planFirst ?? false,
    questions: submission.questions ?? 'ask',
  }
}

/** What the form of the request can't say. Whether the branch exists is known when the job starts. */
export function checkSubmission(submission: Submission): void {
  for (const branch of [submission.baseBranch, submission.branch]) {
    if (branch !== undefined && !isValidBranchName(branch)) {
      throw new FlowForgeError(
        'branch_name_invalid',
        `"${branch}" is not a branch name. See git help check-ref-format.`,
      )
    }
  }
  if (submission.branch !== undefined && submission.branch === submission.baseBranch) {
    throw new FlowForgeError(
      'branch_name_invalid',
      'The job needs a branch of its own: branch and baseBranch are the same.',
    )
  }
  if (submission.model !== undefined && !MODEL_NAME.test(submission.model)) {
    throw new FlowForgeError(
      'model_not_allowed',
      `"${submission.model}" is not a model of Claude. Use an alias such as sonnet, opus or haiku, or a full name such as claude-sonnet-4-5.`,
    )
  }
  if (submission.baseFrom !== undefined && submission.baseBranch !== undefined) {
    throw new FlowForgeError(
      'validation_failed',
      'baseFrom: a job starts from the result of another job (baseFrom) or from a branch (baseBranch), not from both.',
    )
  }
}

const MODEL_NAME =
  /^(default|best|sonnet|opus|haiku|opusplan|(anthropic[./])?claude-[a-z0-9][a-z0-9.@:-]{1,80})(\[1m\])?$/
