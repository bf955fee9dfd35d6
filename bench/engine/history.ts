// What it costs to list and to claim when a million finished jobs lie in the table, beside a thousand; and to claim when
// others' queues are long.
import pg from 'pg'
import sql from 'sql-template-tag'
import { v7 as uuidv7 } from 'uuid'
import { claimJobs } from '../../packages/server/src/jobs/claim.ts'
import { submitBatch } from '../../packages/server/src/jobs/submit.ts'
import { countByState, type JobFilter, listJobs } from '../../packages/server/src/store/jobs.ts'
import { figures } from '../report.ts'
import { addTenant, type Context, connect, type Tenant } from './flowforge.ts'
import type { Cluster } from './postgres.ts'

const FEW = 1_000
const MANY = 1_000_000
const WARM_UP = 10
const RUNS = 60
const CROWD = 100_000
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
      for (let run = -WARM_UP; run < RUNS; run++) {
        // Each goes first as often as the other: the second finds the processor's caches full of what the first did.
        for (const name of run % 2 === 0 ? (['few', 'many'] as const) : (['many', 'few'] as const)) {
          const ms = await timed(() => act(name === 'few' ? few : many))
          if (run >= 0) taken[name].push(ms)
        }
      }
      costs.push(costOf(name, taken.few, taken.many))
    }
    costs.push(await compareCrowd(few, many))
    print(costs)
    return costs
  } finally {
    await few.context.close()
    await many.context.close()
  }
}

const costOf = (name: string, few: number[], many: number[]): Cost => {
  const [fewMs, manyMs] = [figures(few).p50, figures(many).p50]
  return { name, fewMs, manyMs, ratio: manyMs / fewMs }
}

/** To claim the first job of an organization while another has a crowd in the queue, and as many that wait for their time. */
async function compareCrowd(few: Past, many: Past): Promise<Cost> {
  await many.crowd(CROWD)
  // Of two that have nothing running the one that waits longer comes first.
  await claim(many.context, 10)
  const newcomers = {
    few: await addTenant(few.context, 'newcomer'),
    many: await addTenant(many.context, 'newcomer'),
  }
  const first = async ({ context }: Past, tenant: Tenant): Promise<number> => {
    await submit(context, tenant, 1)
    const claims: Awaited<ReturnType<typeof claim>> = []
    const ms = await timed(async () => void claims.push(...(await claim(context, 1))))
    if (claims[0]?.job.organization_id !== tenant.organizationId)
      throw new Error('the first job of an organization had to wait')
    await endJobs(context, tenant)
    return ms
  }
  const taken = { few: [] as number[], many: [] as number[] }
  for (let run = 0; run < RUNS; run++) {
    taken.few.push(await first(few, newcomers.few))
    taken.many.push(await first(many, newcomers.many))
  }
  return costOf(
    `claim a first job, ${CROWD.toLocaleString('en')} queued and as many delayed`,
    taken.few,
    taken.many,
  )
}

const endJobs = ({ database }: Context, { organizationId }: Tenant) =>
  database.acrossOrganizations(tx =>
    tx.run(
      sql`update jobs set state = 'cancelled' where organization_id = ${organizationId} and state = 'running'`,
    ),
  )

interface Past {
  context: Context
  tenant: Tenant
  /** In the middle of what has finished. */
  middleId: string
  /** Queues so many of another organization, and as many whose time is still to come. */
  crowd(count: number): Promise<void>
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

const ACTS: Record<string, (past: Past) => Promise<unknown>> = {
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
  const { superuser, app } = await cluster.createFlowForge(name)
  const context = await connect(app)
  const tenant = await addTenant(context, name)
  const asSuperuser = async <T>(act: (admin: pg.Client) => Promise<T>): Promise<T> => {
    const admin = new pg.Client(superuser)
    await admin.connect()
    try {
      return await act(admin)
    } finally {
      await admin.end()
    }
  }
  const middleId = await asSuperuser(async admin => {
    await fill(admin, tenant, finished)
    const { rows } = await admin.query<{ id: string }>('select id from jobs where number = $1', [
      finished / 2,
    ])
    return rows[0]!.id
  })
  for (let left = QUEUED; left > 0; left -= 100) await submit(context, tenant, 100)
  return {
    ...{ context, tenant, middleId },
    crowd: async count => {
      const flood = await addTenant(context, 'flood')
      await asSuperuser(admin => enqueue(admin, flood, count))
    },
  }
}

/** One in ten failed, one in twenty was cancelled; every job has its attempt. */
const fill = async (admin: pg.Client, tenant: Tenant, count: number): Promise<void> => {
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
  await settleDown(admin)
}

const enqueue = async (admin: pg.Client, tenant: Tenant, count: number): Promise<void> => {
  await admin.query(
    `insert into jobs (id, organization_id, repository_id, number, state, task, branch, timeout_seconds, max_attempts,
       queued_at, not_before)
     select uuidv7(), $1, $2, n, 'queued', 'Wait.', 'flowforge/' || n, 3600, 2,
       now(), case when n % 2 = 0 then now() + interval '1 day' end
     from generate_series(1, 2 * $3::int) as n`,
    [tenant.organizationId, tenant.repositoryId, count],
  )
  await settleDown(admin)
}

/** What was written in bulk is not written out while something is measured. */
const settleDown = async (admin: pg.Client): Promise<void> => {
  await admin.query('vacuum (analyze) jobs')
  await admin.query('vacuum (analyze) attempts')
  await admin.query('checkpoint')
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
