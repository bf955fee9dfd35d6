// SQL of attempts: what is known of each, written by its holder. Every write of a worker names its epoch; a stale one
// changes no row. Who holds an attempt stands in leases.ts.
import type { FailureCode, RunnerCommand, SettleReport } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

/** `agent` runs Claude Code; `verify` checks what was pushed, without agent. */
export type Phase = 'agent' | 'verify'

/** Names a container of the attempt, for whoever adopts it: an executor's ContainerHandle. */
export interface StoredContainer {
  executor: string
  id: string
  attemptId: string
  phase: Phase
}

export interface AttemptRow {
  id: string
  job_id: string
  organization_id: string
  number: number
  epoch: number
  worker_id: string
  lease_expires_at: Date
  nonces: Partial<Record<Phase, string>>
  containers: Partial<Record<Phase, StoredContainer>>
  reports: Partial<Record<Phase, SettleReport>>
  pushed_commit: string | null
  /** Unfinished work that it left when its container was released. */
  work_commit: string | null
  session_id: string | null
  started_at: Date
  deadline_at: Date
  ended_at: Date | null
  end_reason: string | null
  /** The code that it failed with, if it did. */
  failure: FailureCode | null
  /** The data folder of its doors and mirrors; null before this was recorded. */
  place: string | null
}

/** Who writes: an attempt, as the holder of one epoch of its lease. */
export interface Holder {
  attemptId: string
  epoch: number
}

const heldBy = (holder: Holder) =>
  sql`id = ${holder.attemptId} and epoch = ${holder.epoch} and ended_at is null`

/** Locks the attempt for a write of its holder; undefined when the lease went to another or the attempt ended. */
export const lockHeldAttempt = (tx: Transaction, holder: Holder): Promise<AttemptRow | undefined> =>
  tx.first(sql`select * from attempts where ${heldBy(holder)} for update`)

export const findAttempt = (tx: Transaction, id: string): Promise<AttemptRow | undefined> =>
  tx.first(sql`select * from attempts where id = ${id}`)

export const listAttempts = (tx: Transaction, organizationId: string, jobId: string): Promise<AttemptRow[]> =>
  tx.all(
    sql`select * from attempts where organization_id = ${organizationId} and job_id = ${jobId} order by number`,
  )

/** `failure` is the code that the attempt failed with, if it did. */
export const endAttempt = (
  tx: Transaction,
  holder: Holder,
  reason: string,
  failure: FailureCode | null,
): Promise<number> =>
  tx.run(sql`
    update attempts set ended_at = now(), end_reason = ${reason}, failure = ${failure} where ${heldBy(holder)}`)

/** Of a job's attempts behind `afterNumber`. */
export const countFailures = async (
  tx: Transaction,
  jobId: string,
  code: FailureCode,
  afterNumber: number,
): Promise<number> =>
  (await tx.first<{ count: number }>(sql`
    select count(*) from attempts where job_id = ${jobId} and failure = ${code} and number > ${afterNumber}`))!
    .count

/** The first nonce of a phase stays; returns the one that stands. */
export const bindNonce = async (
  tx: Transaction,
  holder: Holder,
  phase: Phase,
  nonce: string,
): Promise<string | undefined> =>
  (
    await tx.first<{ nonce: string }>(sql`
    update attempts set nonces = jsonb_build_object(${phase}::text, ${nonce}::text) || nonces
    where ${heldBy(holder)} returning nonces ->> ${phase} as nonce`)
  )?.nonce

export const saveContainer = (
  tx: Transaction,
  holder: Holder,
  phase: Phase,
  container: StoredContainer,
): Promise<number> =>
  tx.run(
    sql`update attempts set containers = containers || jsonb_build_object(${phase}::text, ${container}::jsonb) where ${heldBy(holder)}`,
  )

/** The first report of a phase stays. */
export const saveReport = (
  tx: Transaction,
  holder: Holder,
  phase: Phase,
  report: SettleReport,
): Promise<number> =>
  tx.run(sql`
    update attempts set reports = jsonb_build_object(${phase}::text, ${report}::jsonb) || reports,
      session_id = coalesce(${report.sessionId ?? null}, session_id)
    where ${heldBy(holder)}`)

export const savePushedCommit = (tx: Transaction, holder: Holder, commit: string): Promise<number> =>
  tx.run(sql`update attempts set pushed_commit = ${commit} where ${heldBy(holder)}`)

export const saveWorkCommit = (tx: Transaction, holder: Holder, commit: string): Promise<number> =>
  tx.run(sql`update attempts set work_commit = ${commit} where ${heldBy(holder)}`)

/** The job goes on: its time limit moves by what it waited. The caller has locked the job, which still is `waiting`. */
export const moveDeadline = (tx: Transaction, attemptId: string): Promise<number> =>
  tx.run(sql`
    update attempts a set deadline_at = a.deadline_at + (now() - coalesce(j.waiting_since, now()))
    from jobs j where a.id = ${attemptId} and j.id = a.job_id`)

export const findLiveAttempt = (tx: Transaction, jobId: string): Promise<AttemptRow | undefined> =>
  tx.first(sql`select * from attempts where job_id = ${jobId} and ended_at is null`)

export const listLiveAttemptIds = async (tx: Transaction, among: string[]): Promise<string[]> =>
  (
    await tx.all<{ id: string }>(
      sql`select id from attempts where id = any(${among}::uuid[]) and ended_at is null`,
    )
  ).map(row => row.id)

/** What its holder has to know of it, time by the database's clock. */
export interface AttemptPulse {
  id: string
  epoch: number
  cancel: boolean
  /** For a person, for so long already; null: it does not wait. */
  waited_ms: number | null
  /** Until its time limit; stands still while it waits. */
  remaining_ms: number
}

/** Of `attempts a join jobs j`. */
export const PULSE = sql`
  a.id, a.epoch, j.cancel_requested_at is not null as cancel,
  case when j.state = 'waiting' then (extract(epoch from now() - coalesce(j.waiting_since, now())) * 1000)::float8 end as waited_ms,
  (extract(epoch from a.deadline_at - case when j.state = 'waiting' then coalesce(j.waiting_since, now()) else now() end)
    * 1000)::float8 as remaining_ms`

export const findPulse = (tx: Transaction, id: string): Promise<AttemptPulse | undefined> =>
  tx.first(sql`
    select ${PULSE} from attempts a join jobs j on j.id = a.job_id where a.id = ${id} and a.ended_at is null`)

export const listCommands = async (
  tx: Transaction,
  attemptId: string,
  after: number,
): Promise<RunnerCommand[]> =>
  (
    await tx.all<{ command: RunnerCommand }>(sql`
    select command from runner_commands where attempt_id = ${attemptId} and id > ${after} order by id limit 100`)
  ).map(row => row.command)

type NewCommand = {
  [T in RunnerCommand['type']]: Omit<Extract<RunnerCommand, { type: T }>, 'id'>
}[RunnerCommand['type']]

/** The caller has locked the job. False when the same command stands there already. */
export const addCommand = async (
  tx: Transaction,
  attempt: Pick<AttemptRow, 'id' | 'organization_id'>,
  command: NewCommand,
): Promise<boolean> =>
  (await tx.run(sql`
    insert into runner_commands (attempt_id, id, organization_id, command)
    select ${attempt.id}, n.id, ${attempt.organization_id}, jsonb_build_object('id', n.id) || ${command}::jsonb
    from (select coalesce(max(id), 0) + 1 as id from runner_commands where attempt_id = ${attempt.id}) n
    where not exists (
      select from runner_commands where attempt_id = ${attempt.id} and command - 'id' = ${command}::jsonb)`)) >
  0
