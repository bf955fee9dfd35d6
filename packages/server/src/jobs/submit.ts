// Submits a job: the row, its first events and the ring for the claimers, in one transaction.
import type { Priority } from '@flowforge/protocol'
import { isValidBranchName } from '@flowforge/protocol'
import { v7 as uuidv7 } from 'uuid'
import { FlowForgeError } from '../errors.ts'
import type { Database } from '../store/database.ts'
import { isUniqueViolation } from '../store/database.ts'
import { type KeptAnswer, keepAnswer, takeIdempotencyKey } from '../store/idempotency.ts'
import { insertJob, takeJobNumber } from '../store/jobs.ts'
import { holdRepository, type RepositoryRow } from '../store/repositories.ts'
import { branchFor } from './branch-names.ts'
import type { Doorbell, EventLog } from './ports.ts'
import { priorityNumber, viewJob } from './view.ts'

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
}

export interface Submitter {
  organizationId: string
  userId: string
}

/** An Idempotency-Key with the hash of the request that carried it (draft-ietf-httpapi-idempotency-key-header). */
export interface Once {
  key: string
  requestHash: string
}

const DEFAULT_TIMEOUT_SECONDS = 3600
const DEFAULT_MAX_ATTEMPTS = 2

export interface SubmitContext {
  database: Database
  events: EventLog
  doorbell: Doorbell
}

/** Answers 201 with the job, or what the same key was answered before. */
export async function submitJob(
  context: SubmitContext,
  submitter: Submitter,
  submission: Submission,
  once: Once | null,
): Promise<KeptAnswer> {
  checkSubmission(submission)
  for (;;) {
    const number = await context.database.inOrganization(submitter.organizationId, tx =>
      takeJobNumber(tx, submitter.organizationId),
    )
    try {
      return await submitAs(context, submitter, submission, once, number)
    } catch (error) {
      // Postgres crashed after it gave the number and before the number was on disk.
      if (!isUniqueViolation(error, 'jobs_organization_id_number_key')) throw error
    }
  }
}

const submitAs = (
  context: SubmitContext,
  submitter: Submitter,
  submission: Submission,
  once: Once | null,
  number: number,
): Promise<KeptAnswer> =>
  context.database.inOrganization(submitter.organizationId, async tx => {
    const { organizationId } = submitter
    const earlier = once && (await takeIdempotencyKey(tx, organizationId, once.key, once.requestHash))
    if (earlier) return sameRequest(earlier, once!)
    const repository = await holdRepository(tx, organizationId, submission.repositoryId)
    if (!repository) {
      throw new FlowForgeError(
        'repository_not_found',
        'There is no repository with this id. List them with: flowforge repo list',
      )
    }
    const job = await insertJob(tx, { ...newJob(submitter, submission, repository, number) })
    await context.events.append(tx, job, [
      {
        type: 'job.created',
        data: {
          task: job.task,
          repositoryId: job.repository_id,
          baseBranch: job.base_branch ?? 'HEAD',
          branch: job.branch,
        },
      },
      ...(job.state === 'queued' ? [{ type: 'job.queued' as const, data: {} }] : []),
    ])
    if (job.state === 'queued') await context.doorbell.ring(tx, [job.id])
    const body = viewJob(job)
    if (once) await keepAnswer(tx, organizationId, once.key, 201, body)
    return { request_hash: once?.requestHash ?? '', status: 201, body }
  })

function sameRequest(earlier: KeptAnswer, once: Once): KeptAnswer {
  if (earlier.request_hash !== once.requestHash) {
    throw new FlowForgeError(
      'idempotency_key_reused',
      'This Idempotency-Key was used with another body. Use a new key for a new request.',
    )
  }
  return earlier
}

function newJob(submitter: Submitter, submission: Submission, repository: RepositoryRow, number: number) {
  const later = submission.runAt !== undefined && submission.runAt.getTime() > Date.now()
  return {
    id: uuidv7(),
    organization_id: submitter.organizationId,
    repository_id: repository.id,
    number,
    created_by: submitter.userId,
    state: later ? ('pending' as const) : ('queued' as const),
    priority: priorityNumber(submission.priority ?? 'normal'),
    task: submission.task,
    base_branch: submission.baseBranch ?? repository.default_branch,
    branch: submission.branch ?? branchFor(number, submission.task),
    model: submission.model ?? null,
    setup: submission.setup ?? repository.settings.setup ?? [],
    verify: submission.verify ?? repository.settings.verify ?? [],
    environment: submission.environment ?? {},
    budget_usd: submission.budgetUsd ?? null,
    timeout_seconds: submission.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    max_attempts: submission.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    run_at: later ? submission.runAt! : null,
  }
}

/** What the form of the request can't say. Whether the branch exists is known when the job starts. */
function checkSubmission(submission: Submission): void {
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
}

const MODEL_NAME =
  /^(default|best|sonnet|opus|haiku|opusplan|(anthropic[./])?claude-[a-z0-9][a-z0-9.@:-]{1,80})(\[1m\])?$/
