// SQL of attempts: what is known of each, written by its holder. Every write of a worker names its epoch; a stale one
// changes no row. Who holds an attempt stands in leases.ts.
import type { FailureCode, RunnerCommand, SettleReport } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'
import { merged } from './merged.ts'

/** `agent` runs Claude Code; `verify` checks what was pushed, `rescue` saves what was left, both without agent. */
export type Phase = 'agent' | 'verify' | 'rescue'

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
  /** The data folder of its doors and mirrors; null before this was recorded. */
  place: string | null
  /** The code that it failed with, if it did. */
  failure: FailureCode | null
  /** What was saved of it after it broke off. */
  rescued_commit: string | null
}

/** Who writes: an attempt, as the holder of one epoch of its lease. */
export interface Holder {
  attemptId: string
  epoch: number
}

/** Rows `w (id, epoch, value)`: what each of many holders writes. With `HELD`, joins to the attempts that are still theirs. */
const wanted = (writes: Array<{ holder: Holder }>, values: unknown[]) => sql`
  unnest(${writes.map(({ holder }) => holder.attemptId)}::uuid[], ${writes.map(({ holder }) => holder.epoch)}::int[],
    ${values}::jsonb[]) as w (id, epoch, value)`
const HELD = sql`a.id = w.id and a.epoch = w.epoch and a.ended_at is null`

const keyOfHolder = ({ holder }: { holder: Holder }): string => holder.attemptId

/** A write of each holder: how many rows it changed, 0 when the attempt is no longer its own. */
const heldWrite = <Write extends { holder: Holder }>(
  writeAll: (tx: Transaction, writes: Write[]) => Promise<Array<{ id: string }>>,
): ((tx: Transaction, write: Write) => Promise<number>) =>
  merged(keyOfHolder, async (tx: Transaction, writes: Write[]) => {
    const written = new Set((await writeAll(tx, writes)).map(({ id }) => id))
    return writes.map(({ holder }) => (written.has(holder.attemptId) ? 1 : 0))
  })

const lockHeld = merged(keyOfHolder, async (tx: Transaction, wants: Array<{ holder: Holder }>) => {
  const rows = await tx.all<AttemptRow>(sql`
    select a.* from attempts a join ${wanted(
      wants,
      wants.map(() => null),
    )} on ${HELD} order by a.id for update of a`)
  const byId = new Map(rows.map(row => [row.id, row]))
  return wants.map(({ holder }) => byId.get(holder.attemptId))
})

/** Locks the attempt for a write of its holder; undefined when the lease went to another or the attempt ended. */
export const lockHeldAttempt = (tx: Transaction, holder: Holder): Promise<AttemptRow | undefined> =>
  lockHeld(tx, { holder })

export const findAttempt: (tx: Transaction, id: string) => Promise<AttemptRow | undefined> = merged(
  id => id,
  async (tx: Transaction, ids: string[]) => {
    const rows = await tx.all<AttemptRow>(sql`select * from attempts where id = any(${ids}::uuid[])`)
    const byId = new Map(rows.map(row => [row.id, row]))
    return ids.map(id => byId.get(id))
  },
  'read',
)

export const listAttempts = (tx: Transaction, organizationId: string, jobId: string): Promise<AttemptRow[]> =>
  tx.all(
    sql`select * from attempts where organization_id = ${organizationId} and job_id = ${jobId} order by number`,
  )

const end = heldWrite<{ holder: Holder; reason: string; failure: FailureCode | null }>((tx, writes) =>
  tx.all(sql`
    update attempts a set ended_at = now(), end_reason = w.value ->> 'reason', failure = w.value ->> 'failure'
    from ${wanted(
      writes,
      writes.map(({ reason, failure }) => ({ reason, failure })),
    )} where ${HELD} returning a.id`),
)

/** `failure` is the code that the attempt failed with, if it did. */
export const endAttempt = (
  tx: Transaction,
  holder: Holder,
  reason: string,
  failure: FailureCode | null,
): Promise<number> => end(tx, { holder, reason, failure })

/** How a job's attempts behind `afterNumber` ended. The newest counts: it has ended before this is asked. */
export const countEnds = async (
  tx: Transaction,
  jobId: string,
  of: { code: FailureCode; afterNumber: number; quickSeconds: number },
): Promise<{ failures: number; sameFailures: number; quickLosses: number }> =>
  (await tx.first<{ failures: number; sameFailures: number; quickLosses: number }>(sql`
    with ended as (
      select number, failure, coalesce(failure = 'worker_lost'
        and ended_at - started_at < make_interval(secs => ${of.quickSeconds}), false) as is_quick_loss
      from attempts where job_id = ${jobId} and number > ${of.afterNumber} and ended_at is not null
    )
    select
      count(*) filter (where failure <> 'worker_lost')::int as failures,
      count(*) filter (where failure = ${of.code})::int as "sameFailures",
      count(*) filter (where is_quick_loss and number > coalesce(
        (select max(number) from ended where not is_quick_loss), 0))::int as "quickLosses"
    from ended`))!

const bind = merged(
  keyOfHolder,
  async (tx: Transaction, writes: Array<{ holder: Holder; phase: Phase; nonce: string }>) => {
    const rows = await tx.all<{ id: string; nonces: AttemptRow['nonces'] }>(sql`
      update attempts a set nonces = w.value || a.nonces
      from ${wanted(
        writes,
        writes.map(({ phase, nonce }) => ({ [phase]: nonce })),
      )} where ${HELD} returning a.id, a.nonces`)
    const byId = new Map(rows.map(row => [row.id, row.nonces]))
    return writes.map(({ holder, phase }) => byId.get(holder.attemptId)?.[phase])
  },
)

/** The first nonce of a phase stays; returns the one that stands. */
export const bindNonce = (
  tx: Transaction,
  holder: Holder,
  phase: Phase,
  nonce: string,
): Promise<string | undefined> => bind(tx, { holder, phase, nonce })

const keepContainer = heldWrite<{ holder: Holder; phase: Phase; container: StoredContainer }>((tx, writes) =>
  tx.all(sql`
    update attempts a set containers = a.containers || w.value
    from ${wanted(
      writes,
      writes.map(({ phase, container }) => ({ [phase]: container })),
    )} where ${HELD} returning a.id`),
)

export const saveContainer = (
  tx: Transaction,
  holder: Holder,
  phase: Phase,
  container: StoredContainer,
): Promise<number> => keepContainer(tx, { holder, phase, container })

const keepReport = heldWrite<{ holder: Holder; phase: Phase; report: SettleReport }>((tx, writes) =>
  tx.all(sql`
    update attempts a set reports = (w.value -> 'report') || a.reports,
      session_id = coalesce(w.value ->> 'sessionId', a.session_id)
    from ${wanted(
      writes,
      writes.map(({ phase, report }) => ({ report: { [phase]: report }, sessionId: report.sessionId })),
    )} where ${HELD} returning a.id`),
)

/** The first report of a phase stays. */
export const saveReport = (
  tx: Transaction,
  holder: Holder,
  phase: Phase,
  report: SettleReport,
): Promise<number> => keepReport(tx, { holder, phase, report })

export const savePushedCommit = (tx: Transaction, holder: Holder, commit: string): Promise<number> =>
  tx.run(sql`update attempts set pushed_commit = ${commit}
    where id = ${holder.attemptId} and epoch = ${holder.epoch} and ended_at is null`)

export const saveWorkCommit = (tx: Transaction, holder: Holder, commit: string): Promise<number> =>
  tx.run(sql`update attempts set work_commit = ${commit}
    where id = ${holder.attemptId} and epoch = ${holder.epoch} and ended_at is null`)

/** The job goes on: its time limit moves by what it waited. The caller has locked the job, which still is `waiting`. */
export const moveDeadline = (tx: Transaction, attemptId: string): Promise<number> =>
  tx.run(sql`
    update attempts a set deadline_at = a.deadline_at + (now() - coalesce(j.waiting_since, now()))
    from jobs j where a.id = ${attemptId} and j.id = a.job_id`)

/** The attempt may have ended: its rescue comes after it. 0: this commit was recorded before. */
export const saveRescuedCommit = (tx: Transaction, attemptId: string, commit: string): Promise<number> =>
  tx.run(sql`
    update attempts set rescued_commit = ${commit}
    where id = ${attemptId} and rescued_commit is distinct from ${commit}`)

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
