import pg from 'pg'
import sql, { raw } from 'sql-template-tag'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createScene, type Scene, type Tenant } from '../jobs/testing-scene.ts'
import { lockClaims } from './claims.ts'
import { createDatabase } from './database.ts'
import { createListener } from './listener.ts'

let scene: Scene
let other: Tenant
beforeAll(async () => {
  scene = await createScene()
  other = await scene.addTenant('other')
  for (const tenant of [scene.tenant, other]) await scene.submit({}, tenant)
  await scene.claim(2)
})
afterAll(() => scene.close())

const TABLES = [
  'repositories',
  'job_numbers',
  'jobs',
  'attempts',
  'events',
  'event_sources',
  'runner_commands',
  'artifacts',
  'approvals',
  'claude_requests',
  'job_messages',
  'job_sessions',
  'organization_limits',
  'idempotency_keys',
  'outbox',
  'event_segments',
  'doomed_objects',
  'retention_settings',
  'live_tickets',
  'schedules',
  'schedule_runs',
]

describe('row-level security', () => {
  test('stands on every table that has an organization', async () => {
    const { rows } = await scene.database.pool.query<{ relname: string }>(`
      select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
      where c.relkind = 'r' and c.relrowsecurity order by 1`)
    const { rows: all } = await scene.database.pool.query<{ table_name: string }>(`
      select table_name from information_schema.columns
      where column_name = 'organization_id' and table_schema = 'public' order by 1`)
    expect(rows.map(row => row.relname)).toEqual(all.map(row => row.table_name))
    expect(rows.map(row => row.relname).sort()).toEqual([...TABLES].sort())
  })

  test('binds the role that the application has: neither superuser nor owner', async () => {
    const { rows } = await scene.database.pool.query(
      `select rolsuper, rolbypassrls, (select count(*)::int from pg_class c where c.relowner = r.oid) as owns
       from pg_roles r where rolname = current_user`,
    )
    expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false, owns: 0 }])
  })

  test.each(TABLES)('shows nothing of %s without an organization', async table => {
    const { rows } = await scene.database.pool.query(`select count(*)::int as seen from ${table}`)
    expect(rows[0]).toEqual({ seen: 0 })
  })

  test.each([
    'jobs',
    'repositories',
    'events',
    'attempts',
    'job_numbers',
  ])('shows of %s the rows of one organization, also to SQL that forgets it', async table => {
    const { organizationId } = scene.tenant
    const rows = await scene.database.inOrganization(organizationId, tx =>
      tx.all<{ organization_id: string }>(sql`select organization_id from ${raw(table)}`),
    )
    expect(rows.length).toBeGreaterThan(0)
    expect(new Set(rows.map(row => row.organization_id))).toEqual(new Set([organizationId]))
  })

  test("lets nobody insert, change or remove another organization's rows", async () => {
    const { organizationId } = scene.tenant
    const within = <T>(work: Parameters<typeof scene.database.inOrganization<T>>[1]) =>
      scene.database.inOrganization(organizationId, work)
    const key = sql`insert into idempotency_keys values (${other.organizationId}, 'k', 'h', 0, 'null')`
    await expect(within(tx => tx.run(key))).rejects.toThrow('row-level security')
    expect(
      await within(tx =>
        tx.run(sql`update jobs set task = 'x' where organization_id = ${other.organizationId}`),
      ),
    ).toBe(0)
    expect(
      await within(tx => tx.run(sql`delete from jobs where organization_id = ${other.organizationId}`)),
    ).toBe(0)
    const moved = sql`update jobs set organization_id = ${other.organizationId}`
    await expect(within(tx => tx.run(moved))).rejects.toThrow('row-level security')
  })

  test.each(['*', ''])('an organization named "%s" is none', async name => {
    await expect(async () => scene.database.inOrganization(name, async () => 1)).rejects.toMatchObject({
      code: 'not_allowed',
    })
  })

  test('forgets the organization with the transaction, also after a failure', async () => {
    const failing = scene.database.inOrganization(scene.tenant.organizationId, async tx => {
      await tx.run(sql`select 1/0`)
    })
    await expect(failing).rejects.toThrow('division by zero')
    const settings = await Promise.all(
      Array.from({ length: 20 }, () =>
        scene.database.pool.query(`select current_setting('flowforge.organization', true) as scope`),
      ),
    )
    for (const { rows } of settings) expect(rows[0].scope ?? '').toBe('')
  })
})

describe('a transaction', () => {
  test('leaves nothing behind when its work fails', async () => {
    const slug = 'half-done'
    const work = scene.database.acrossOrganizations(async tx => {
      await tx.run(
        sql`insert into organization (id, name, slug, "createdAt") values ('x', 'x', ${slug}, now())`,
      )
      throw new Error('on second thought')
    })
    await expect(work).rejects.toThrow('on second thought')
    const rows = await scene.database.acrossOrganizations(tx =>
      tx.all(sql`select id from organization where slug = ${slug}`),
    )
    expect(rows).toEqual([])
  })

  test('whose connection breaks in the middle says that the database is away, and ends no process', async () => {
    const broken = scene.database.acrossOrganizations(async tx => {
      await scene.breakConnections()
      return tx.first(sql`select 1 as one`)
    })
    await expect(broken).rejects.toMatchObject({ code: 'database_unavailable' })
    await expect
      .poll(() => scene.database.acrossOrganizations(tx => tx.first(sql`select 1 as one`)).catch(() => null))
      .toEqual({ one: 1 })
  })

  test('calls what waits for its commit when others can see what it wrote, and before its own caller', async () => {
    const { organizationId } = scene.tenant
    const order: string[] = []
    const seen = Promise.withResolvers<unknown>()
    await scene.database.inOrganization(organizationId, async tx => {
      await tx.run(sql`insert into idempotency_keys values (${organizationId}, 'after', 'h', 0, 'null')`)
      tx.afterCommit(() => {
        order.push('hint')
        const look = sql`select count(*) as count from idempotency_keys where key = 'after'`
        scene.database.acrossOrganizations(other => other.first(look)).then(seen.resolve, seen.reject)
      })
    })
    order.push('caller')
    expect(order).toEqual(['hint', 'caller'])
    expect(await seen.promise).toEqual({ count: 1 })
  })

  test('that does not commit calls nothing', async () => {
    let called = 0
    const work = (wanted: unknown) =>
      scene.database.acrossOrganizations(async tx => {
        tx.afterCommit(() => {
          called += 1
        })
        await tx.run(sql`select 1 / ${wanted}::int`)
      })
    await expect(work(0)).rejects.toThrow('division by zero')
    expect(called).toBe(0)
    await work(1)
    expect(called).toBe(1)
  })

  test('that falls silent loses its locks after a while, and hears that the database was away', async () => {
    const limit = { idle_in_transaction_session_timeout: 300 }
    const sleepy = createDatabase({ ...scene.test.appConfig, ...limit })
    const holds = Promise.withResolvers<void>()
    const wake = Promise.withResolvers<void>()
    const frozen = sleepy.acrossOrganizations(async tx => {
      await lockClaims(tx)
      holds.resolve()
      await wake.promise
    })
    await holds.promise
    // As another worker would: it waits for the lock, and gets it although the first one never comes back.
    await scene.database.acrossOrganizations(lockClaims)
    wake.resolve()
    await expect(frozen).rejects.toMatchObject({ code: 'database_unavailable' })
    expect(await sleepy.acrossOrganizations(tx => tx.first(sql`select 1 as one`))).toEqual({ one: 1 })
    await sleepy.close()
  })

  test('may be silent for a few seconds, and a statement take a few more, on every connection', async () => {
    const { rows } = await scene.database.pool.query(
      `select name, setting::int as ms from pg_settings
       where name in ('idle_in_transaction_session_timeout', 'statement_timeout') order by name`,
    )
    expect(rows.map(row => row.ms)).toEqual([5_000, 14_000])
  })

  test('whose statement takes too long says that the database is away', async () => {
    const hasty = createDatabase({ ...scene.test.appConfig, statement_timeout: 50 })
    await expect(hasty.acrossOrganizations(tx => tx.first(sql`select pg_sleep(5)`))).rejects.toMatchObject({
      code: 'database_unavailable',
    })
    await hasty.close()
  })

  test('that meets another in a circle of locks is told to come again, and the other goes through', async () => {
    const [one, two] = [7_420_901, 7_420_902]
    const bothHold = Promise.withResolvers<void>()
    let holding = 0
    const take = (first: number, second: number) =>
      scene.database.acrossOrganizations(async tx => {
        await tx.run(sql`select pg_advisory_xact_lock(${first})`)
        holding += 1
        if (holding === 2) bothHold.resolve()
        await bothHold.promise
        await tx.run(sql`select pg_advisory_xact_lock(${second})`)
      })
    const ends = await Promise.allSettled([take(one, two), take(two, one)])
    const refused = ends.filter(end => end.status === 'rejected')
    expect(refused).toMatchObject([
      { reason: { code: 'database_unavailable', message: expect.stringContaining('try again') } },
    ])
  })

  test('with nobody there says so', async () => {
    const database = createDatabase({ host: '127.0.0.1', port: 1, user: 'x', database: 'x' })
    await expect(database.acrossOrganizations(async () => 1)).rejects.toMatchObject({
      code: 'database_unavailable',
    })
    await database.close()
  })
})

describe('the connection that listens', () => {
  test('hears again after it was cut, and says that it missed something', async () => {
    const listener = await createListener(scene.test.appConfig)
    const heard: string[] = []
    let gaps = 0
    listener.on('some_channel', payload => heard.push(payload))
    listener.onReconnect(() => {
      gaps += 1
    })
    const speak = (text: string) =>
      scene.database.pool.query('select pg_notify($1, $2)', ['some_channel', text]).catch(() => {})
    await expect.poll(() => speak('before').then(() => heard)).toContain('before')
    await scene.breakConnections()
    await expect.poll(() => gaps, { timeout: 5_000 }).toBe(1)
    await speak('after')
    await expect.poll(() => heard).toContain('after')
    await listener.close()
  })

  test('that is closed while it connects leaves no connection', async () => {
    const listener = await createListener({ ...scene.test.appConfig, application_name: 'closing' })
    await scene.breakConnections()
    const admin = new pg.Client(scene.test.superuserConfig)
    await admin.connect()
    await listener.close()
    await expect
      .poll(
        async () =>
          (await admin.query(`select from pg_stat_activity where application_name = 'closing'`)).rowCount,
      )
      .toBe(0)
    await admin.end()
  })
})
