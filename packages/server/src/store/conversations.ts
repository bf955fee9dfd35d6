// SQL of conversations: what Claude asked of people, what people said, and the saved sessions. Every write is made under
// the job's row lock.
import type { Answers, Decision, RequestKind } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface ApprovalRow {
  job_id: string
  request_id: string
  attempt: number
  kind: RequestKind
  input: unknown
  requested_at: Date
  decision: Decision | null
  note: string | null
  answers: Answers | null
  decided_by: string | null
  decided_at: Date | null
  closed_at: Date | null
}

export interface MessageRow {
  number: number
  text: string | null
  request_id: string | null
  sent_by: string | null
  sent_at: Date
}

export interface SessionRow {
  job_id: string
  session_id: string
  attempt: number
  storage_key: string
  size_bytes: number
  through_message: number
  saved_at: Date
}

interface Owner {
  id: string
  organization_id: string
}

/** False when it stands there already: a runner may tell twice. */
export const insertApproval = async (
  tx: Transaction,
  job: Owner,
  request: { requestId: string; attempt: number; kind: RequestKind; input: unknown },
): Promise<boolean> =>
  (await tx.run(sql`
    insert into approvals (job_id, organization_id, request_id, attempt, kind, input)
    values (${job.id}, ${job.organization_id}, ${request.requestId}, ${request.attempt}, ${request.kind},
            ${JSON.stringify(request.input ?? null)}::jsonb)
    on conflict do nothing`)) > 0

export const findApproval = (
  tx: Transaction,
  jobId: string,
  requestId: string,
): Promise<ApprovalRow | undefined> =>
  tx.first(sql`select * from approvals where job_id = ${jobId} and request_id = ${requestId}`)

/** In the order in which they were asked. */
export const listApprovals = (tx: Transaction, jobId: string): Promise<ApprovalRow[]> =>
  tx.all(sql`select * from approvals where job_id = ${jobId} order by requested_at, request_id limit 1000`)

export const listPendingApprovals = (tx: Transaction, jobId: string): Promise<ApprovalRow[]> =>
  tx.all(sql`
    select * from approvals where job_id = ${jobId} and decided_at is null and closed_at is null
    order by requested_at, request_id`)

export const decideApproval = (
  tx: Transaction,
  jobId: string,
  requestId: string,
  decided: { decision: Decision; note: string | null; answers: Answers | null; by: string | null },
): Promise<number> =>
  tx.run(sql`
    update approvals set decision = ${decided.decision}, note = ${decided.note}, answers = ${decided.answers}::jsonb,
      decided_by = ${decided.by}, decided_at = now()
    where job_id = ${jobId} and request_id = ${requestId} and decided_at is null and closed_at is null`)

/** Nobody decides these any more: the job has ended, or begins anew. */
export const closeApprovals = (tx: Transaction, jobId: string): Promise<number> =>
  tx.run(sql`
    update approvals set closed_at = now() where job_id = ${jobId} and decided_at is null and closed_at is null`)

export const wasPlanApproved = async (tx: Transaction, jobId: string): Promise<boolean> =>
  (await tx.first(sql`
    select 1 as yes from approvals where job_id = ${jobId} and kind = 'plan' and decision = 'allow' limit 1`)) !==
  undefined

/** Gives the message the next number of its job, and returns it. */
export const insertMessage = async (
  tx: Transaction,
  job: Owner,
  message: { text: string | null; requestId: string | null; by: string | null },
): Promise<number> =>
  (await tx.first<{ number: number }>(sql`
    with numbered as (
      update jobs set messages = messages + 1 where id = ${job.id} returning messages
    )
    insert into job_messages (job_id, number, organization_id, text, request_id, sent_by)
    select ${job.id}, messages, ${job.organization_id}, ${message.text}, ${message.requestId}, ${message.by} from numbered
    returning number`))!.number

export const listMessages = (tx: Transaction, jobId: string): Promise<MessageRow[]> =>
  tx.all(sql`select * from job_messages where job_id = ${jobId} order by number`)

/** Never backwards: an earlier attempt's last word may come late. */
export const markMessagesTold = (tx: Transaction, jobId: string, through: number): Promise<number> =>
  tx.run(sql`
    update jobs set messages_told = least(messages, greatest(messages_told, ${through}::int)) where id = ${jobId}`)

export const findSession = (tx: Transaction, jobId: string): Promise<SessionRow | undefined> =>
  tx.first(sql`select * from job_sessions where job_id = ${jobId}`)

export const saveSession = (
  tx: Transaction,
  job: Owner,
  session: {
    sessionId: string
    attempt: number
    storageKey: string
    sizeBytes: number
    throughMessage: number
  },
): Promise<number> =>
  tx.run(sql`
    insert into job_sessions (job_id, organization_id, session_id, attempt, storage_key, size_bytes, through_message)
    values (${job.id}, ${job.organization_id}, ${session.sessionId}, ${session.attempt}, ${session.storageKey},
            ${session.sizeBytes}, ${session.throughMessage})
    on conflict (job_id) do update set session_id = excluded.session_id, attempt = excluded.attempt,
      storage_key = excluded.storage_key, size_bytes = excluded.size_bytes, through_message = excluded.through_message,
      saved_at = now()`)
