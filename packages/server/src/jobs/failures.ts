// What to do about each way a job can fail: the second half of every reason.
import type { FailureCode, Reason } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'

const NEXT_STEPS: Record<FailureCode, string> = {
  internal_error: "Retry the job. If it happens again, report it with the job's id and the server's log.",
  setup_failed:
    "Read the output of the set-up command in the log, correct the job's or the repository's set-up, and retry.",
  base_not_found: 'Name a branch that exists: flowforge run --base BRANCH.',
  push_rejected:
    'Read what the Git host answered; check branch protection and the permissions of the credential, then retry.',
  disk_full: 'Free space, or raise the workspace limit of the worker, then retry.',
  no_progress: 'Look at the last stage in the log; retry, or split the task.',
  dependency_failed: 'Retry the job that this one needs, then this one.',
  agent_error: 'Read the last messages of the transcript, then retry with a clearer task.',
  agent_crashed: 'Retry the job; the log has the last output of the container.',
  oom: 'Raise the memory limit of the worker, or make the task need less, then retry.',
  timeout: 'Raise the limit (--timeout), or split the task, then retry.',
  budget_exceeded: 'Raise the budget of the job and retry.',
  verify_failed:
    'Look at the diff and at the output of the failing command; make the task clearer or correct the command, then retry.',
  git_conflict: 'Resolve the conflict on the branch, or retry on the newest base.',
  git_auth: "Update the repository's credential: the Git host refused it.",
  git_unreachable: "Check the repository's URL and the network of the server, then retry.",
  claude_auth: 'Set a valid ANTHROPIC_API_KEY and restart the server: the API refused the key.',
  claude_unavailable:
    'The Claude API did not answer. Check ANTHROPIC_BASE_URL and the status page, then retry.',
  image_unavailable: 'Build the agent image: script/setup.',
  no_capacity: 'Lower FLOWFORGE_CONCURRENCY or add a worker, then retry.',
  worker_lost: 'Retry the job: the worker that ran it went away.',
  policy_violation: 'Read which policy refused it in the log; an owner can allow it for the repository.',
  cancelled_by_user: 'Retry the job if it was cancelled by mistake.',
}

export const reasonOf = (code: FailureCode, message: string): Reason => ({
  code,
  message,
  next: NEXT_STEPS[code],
})

const FROM_ERROR: Partial<Record<FlowForgeError['code'], FailureCode>> = {
  base_not_found: 'base_not_found',
  repository_empty: 'base_not_found',
  branch_name_invalid: 'base_not_found',
  git_auth: 'git_auth',
  git_unreachable: 'git_unreachable',
  repository_not_found: 'git_unreachable',
  address_not_allowed: 'policy_violation',
  repository_url_invalid: 'policy_violation',
  push_rejected: 'push_rejected',
  disk_full: 'disk_full',
  docker_unavailable: 'no_capacity',
  image_unavailable: 'image_unavailable',
  no_capacity: 'no_capacity',
}

/** The reason a job fails with when an act of the worker threw. Unexpected errors say nothing of their insides. */
export function reasonFromError(error: unknown): Reason {
  if (error instanceof FlowForgeError)
    return reasonOf(FROM_ERROR[error.code] ?? 'internal_error', error.message)
  return reasonOf('internal_error', 'FlowForge failed while it ran this job.')
}
