// What it costs to list and to claim when a million finished jobs lie in the table, beside a thousand; and to claim when
// others' queues are long.
import pg from 'pg'
import { v7 as uuidv7 } from 'uuid'
import { claimJobs } from '../../packages/server/src/jobs/claim.ts'
import { submitBatch } from '../../packages/server/src/jobs/submit.ts'
import { countByState, type JobFilter, listJobs } from '../../packages/server/src/store/jobs.ts'
import { figures } from '../report.ts'
import { addTenant, type Context, connect, type Tenant } from './flowforge.ts'
import type { Cluster } from './postgres.ts'

const FEW = 1_000
const MANY = 1_000_000
const RUNS = 60
const QUEUED = 200
const PAGE = 50

export interface Cost {
  name: string
  fewMs: number
  manyMs: number
  ratio: number
}

export async function compareHistory(cluster: Cluster): Promise<Cost[]> {
  const few = await open(cluster, 'few', FEW)
  const many = await open(cluster, 'many', MANY)
  try {
    const costs: Cost[] = []
    for (const [name, act] of Object.entries(ACTS)) {
      // In turn, so that what else the machine does falls on both alike.
      const taken = { few: [] as number[], many: [] as number[] }
      for (let run = 0; run < RUNS; run++) {
        taken.few.push(await timed(() => act(few, run)))
        taken.many.push(await timed(() => act(many, run)))
      }
      const [fewMs, manyMs] = [figures(taken.few).p50, figures(taken.many).p50]
      costs.push({ name, fewMs, manyMs, ratio: manyMs / fewMs })
    }
    print(costs)
    return costs
  } finally {
    await few.context.close()
    await many.context.close()
  }
}

interface Past {
  context: Context
  tenant: Tenant
  /** In the middle of what has finished. */
  middleId: string
}

const list = (filter: Partial<JobFilter>, before: string | null = null) => {
  return ({ context, tenant }: Past) =>
    context.database.inOrganization(tenant.organizationId, tx =>
      listJobs(
        tx,
        tenant.organizationId,
        { states: null, repositoryId: null, ...filter },
        { limit: PAGE, before },
      ),
    )
}

const ACTS: Record<string, (past: Past, run: number) => Promise<unknown>> = {
  'list, newest': list({}),
  'list, from the middle': past => list({}, past.middleId)(past),
  'list, failed': list({ states: ['failed'] }),
  'list, failed and cancelled': list({ states: ['failed', 'cancelled'] }),
  'list, queued and running': list({ states: ['queued', 'running'] }),
  'list, of a repository': past => list({ repositoryId: past.tenant.repositoryId })(past),
  'list, failed of a repository': past =>
    list({ repositoryId: past.tenant.repositoryId, states: ['failed'] })(past),
  'count by state': ({ context, tenant }) =>
    context.database.inOrganization(tenant.organizationId, tx => countByState(tx, tenant.organizationId)),
  'submit 1': ({ context, tenant }) => submit(context, tenant, 1),
  'claim 1': ({ context }) => claim(context, 1),
}

const submit = (context: Context, { repositoryId, ...submitter }: Tenant, count: number) =>
  submitBatch(
    context,
    submitter,
    Array.from({ length: count }, () => ({ repositoryId, task: 'Do nothing.' })),
    null,
  )

const CLAIMER = { workerId: uuidv7(), executor: 'dummy', place: 'bench', leaseSeconds: 3600 }
const claim = (context: Context, count: number) => claimJobs(context, CLAIMER, count, [])

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await act()
  return performance.now() - began
}

async function open(cluster: Cluster, name: string, finished: number): Promise<Past> {
  const { owner, app } = await cluster.createFlowForge(name)
  const context = await connect(app)
  const tenant = await addTenant(context, name)
  const admin = new pg.Client(owner)
  await admin.connect()
  await fill(admin, tenant, finished)
  const { rows } = await admin.query<{ id: string }>('select id from jobs where number = $1', [finished / 2])
  await admin.end()
  for (let left = QUEUED; left > 0; left -= 100) await submit(context, tenant, 100)
  return { context, tenant, middleId: rows[0]!.id }
}

/** One in ten failed, one in twenty was cancelled; every job has its attempt. */
const fill = async (admin: pg.Client, tenant: Tenant, count: number): Promise<void> => {
  await admin.query(`select set_config('flowforge.organization', '*', false)`)
  await admin.query(
    `insert into jobs (id, organization_id, repository_id, number, state, task, base_branch, branch, timeout_seconds,
       max_attempts, attempt, last_seq, created_at, queued_at, started_at, finished_at)
     select uuidv7(make_interval(secs => n - $3::int)), $1, $2, n,
       case when n % 10 = 0 then 'failed' when n % 20 = 1 then 'cancelled' else 'succeeded' end,
       'Do what has been done ' || n || ' times.', 'main', 'flowforge/' || n, 3600, 2, 1, 9,
       now() + make_interval(secs => n - $3::int), now(), now(), now()
     from generate_series(1, $3::int) as n`,
    [tenant.organizationId, tenant.repositoryId, count],
  )
  await admin.query(
    `insert into attempts (id, job_id, organization_id, number, worker_id, lease_expires_at, deadline_at, ended_at, end_reason)
     select uuidv7(), id, organization_id, 1, gen_random_uuid(), now(), now(), now(), 'succeeded' from jobs`,
  )
  await admin.query('vacuum (analyze) jobs')
  await admin.query('vacuum (analyze) attempts')
}

function print(costs: Cost[]): void {
  const width = Math.max(...costs.map(({ name }) => name.length))
  const cell = (value: string) => value.padStart(12)
  process.stdout.write(
    `\nmedian of ${RUNS}, finished jobs in the table\n${' '.repeat(width)}${[FEW, MANY, 'ratio'].map(value => cell(value.toLocaleString('en'))).join('')}\n`,
  )
  for (const { name, fewMs, manyMs, ratio } of costs) {
    const cells = [`${fewMs.toFixed(2)} ms`, `${manyMs.toFixed(2)} ms`, ratio.toFixed(2)]
    process.stdout.write(`${name.padEnd(width)}${cells.map(cell).join('')}\n`)
  }
}
