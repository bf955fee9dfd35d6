// What a runner is told to do, from the job and the repository's settings.
import { type AgentWorkOrder, RUNNER_PROTOCOL_VERSION, type WorkOrder } from '@flowforge/protocol'
import type { AttemptRow } from '../store/attempts.ts'
import type { JobRow } from '../store/jobs.ts'
import type { RepositoryRow } from '../store/repositories.ts'
import type { Briefing } from './briefing.ts'
import type { Hold } from './hold.ts'

/** How often a failing verify is handed back to Claude. */
const VERIFY_ROUNDS = 3
const COMMAND_TIMEOUT_SECONDS = 1800
const AUTHOR = { name: 'FlowForge', email: 'flowforge@localhost' }

const common = ({ job, attempt }: Hold, repository: RepositoryRow) => ({
  protocolVersion: RUNNER_PROTOCOL_VERSION,
  attemptId: attempt.id,
  jobId: job.id,
  setup: job.setup,
  verify: job.verify,
  commandTimeoutSeconds: Math.min(COMMAND_TIMEOUT_SECONDS, job.timeout_seconds),
  environment: job.environment,
  egress: (repository.settings.egressAllow ?? []).length > 0,
})

export const agentOrder = (
  hold: Hold,
  repository: RepositoryRow,
  baseCommit: string,
  { restore, ...briefing }: Briefing,
): AgentWorkOrder => ({
  ...common(hold, repository),
  phase: 'agent',
  ...briefing,
  task: hold.job.task,
  questions: hold.job.questions,
  approvals: repository.settings.approvals ?? [],
  model: hold.job.model ?? undefined,
  verifyRounds: hold.job.verify.length > 0 ? VERIFY_ROUNDS : 0,
  git: {
    baseBranch: hold.job.base_branch!,
    baseCommit,
    checkoutCommit: baseCommit,
    checkoutRef: hold.job.base_from
      ? `refs/flowforge/jobs/${hold.job.id}/base`
      : `refs/heads/${hold.job.base_branch}`,
    branch: hold.job.branch,
    restore,
    author: AUTHOR,
  },
})

export const verifyOrder = (
  hold: Hold,
  repository: RepositoryRow,
  baseCommit: string,
  head: string,
): WorkOrder => ({
  ...common(hold, repository),
  phase: 'verify',
  git: {
    baseBranch: hold.job.base_branch!,
    baseCommit,
    checkoutCommit: head,
    checkoutRef: `refs/flowforge/jobs/${hold.job.id}/head`,
    branch: hold.job.branch,
    author: AUTHOR,
  },
})

export const rescueOrder = ({
  job,
  attempt,
  baseCommit,
}: {
  job: JobRow
  attempt: AttemptRow
  baseCommit: string
}): WorkOrder => ({
  protocolVersion: RUNNER_PROTOCOL_VERSION,
  attemptId: attempt.id,
  jobId: job.id,
  setup: [],
  verify: [],
  commandTimeoutSeconds: 60,
  environment: {},
  egress: false,
  phase: 'rescue',
  git: {
    baseBranch: job.base_branch ?? 'HEAD',
    baseCommit,
    checkoutCommit: baseCommit,
    checkoutRef: `refs/heads/${job.base_branch}`,
    branch: job.branch,
    author: AUTHOR,
  },
})
