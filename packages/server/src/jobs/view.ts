// A job, and what it asked of people, as the API shows them, made from their rows.
import type { Approval, Job, Priority } from '@flowforge/protocol'
import type { ApprovalRow } from '../store/conversations.ts'
import type { JobRow } from '../store/jobs.ts'

const PRIORITY_NUMBERS = { low: -1, normal: 0, high: 1 } as const satisfies Record<Priority, number>

export const priorityNumber = (priority: Priority): number => PRIORITY_NUMBERS[priority]
const priorityName = (number: number): Priority => (number < 0 ? 'low' : number > 0 ? 'high' : 'normal')

export function viewJob(row: JobRow, queuePosition?: number): Job {
  return {
    id: row.id,
    number: row.number,
    repositoryId: row.repository_id,
    organizationId: row.organization_id,
    createdBy: row.created_by,
    state: row.state,
    reason: row.reason ?? undefined,
    task: row.task,
    baseBranch: row.base_branch ?? 'HEAD',
    baseCommit: row.base_commit,
    branch: row.branch,
    headCommit: row.head_commit ?? undefined,
    pullRequestUrl: row.pull_request_url ?? undefined,
    priority: priorityName(row.priority),
    attempt: row.attempt,
    turn: row.turn,
    waitingFor: row.waiting_for ?? undefined,
    waitingSince: row.waiting_since?.toISOString(),
    planFirst: row.plan_first,
    questions: row.questions,
    queuePosition,
    stage: row.stage ?? undefined,
    costUsd: row.cost_usd,
    tokens: {
      input: row.input_tokens,
      output: row.output_tokens,
      cacheRead: row.cache_read_tokens,
      cacheWrite: row.cache_write_tokens,
    },
    model: row.model,
    scriptedModel: row.scripted_model,
    verify: row.verify,
    setup: row.setup,
    timeoutSeconds: row.timeout_seconds,
    queueTimeoutSeconds: row.queue_timeout_seconds,
    maxAttempts: row.max_attempts,
    retryAt: row.state === 'queued' ? row.not_before?.toISOString() : undefined,
    budgetUsd: row.budget_usd,
    runAt: row.run_at?.toISOString(),
    needs: row.needs,
    baseFrom: row.base_from ?? undefined,
    scheduleId: row.schedule_id ?? undefined,
    cache: row.cache,
    cachedFrom: row.cached_from ?? undefined,
    cachedFromNumber: row.cached_from_number ?? undefined,
    createdAt: row.created_at.toISOString(),
    startedAt: row.started_at?.toISOString(),
    finishedAt: row.finished_at?.toISOString(),
    result: row.result ?? undefined,
  }
}

/** `isOver`: of a job that has ended, whatever it asked. */
export function viewApproval(row: ApprovalRow, isOver: boolean): Approval {
  return {
    requestId: row.request_id,
    kind: row.kind,
    input: row.input,
    attempt: row.attempt,
    status: row.decided_at ? 'decided' : row.closed_at || isOver ? 'closed' : 'pending',
    requestedAt: row.requested_at.toISOString(),
    decision: row.decision ?? undefined,
    note: row.note ?? undefined,
    answers: row.answers ?? undefined,
    decidedBy: row.decided_at ? row.decided_by : undefined,
    decidedAt: row.decided_at?.toISOString(),
  }
}
