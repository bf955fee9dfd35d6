// The stage for the engine's tests: a real Postgres with organizations, and what every act is handed. Words for what
// tests do again and again.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JobEvent, type JobState, TERMINAL_STATES } from '@flowforge/protocol'
import pg from 'pg'
import sql from 'sql-template-tag'
import { v7 as uuidv7 } from 'uuid'
import { createBus } from '../live/bus.ts'
import { createEventLog } from '../live/event-log.ts'
import { createPostgresRelay } from '../live/postgres-relay.ts'
import { createStory } from '../live/story.ts'
import { createPostgresAttemptSignal, createPostgresDoorbell } from '../queue/postgres.ts'
import { createEncryptedStorage } from '../storage/encrypted.ts'
import { createFileStorage } from '../storage/files.ts'
import { findLiveAttempt } from '../store/attempts.ts'
import { insertMember, insertOrganization, insertUser } from '../store/identity.ts'
import { type JobRow, lockJob } from '../store/jobs.ts'
import { createListener } from '../store/listener.ts'
import { insertRepository } from '../store/repositories.ts'
import { createMigratedDatabase } from '../store/testing-migrated.ts'
import { type Claim, type Claimer, claimJobs } from './claim.ts'
import type { Submission } from './submission.ts'
import { submitJob } from './submit.ts'

export type Scene = Awaited<ReturnType<typeof createScene>>

export interface Tenant {
  organizationId: string
  userId: string
  repositoryId: string
}

export async function createScene() {
  const test = await createMigratedDatabase()
  const { database } = test
  const listener = await createListener(test.appConfig)
  const bus = createBus(createPostgresRelay({ listener, pool: database.pool }))
  const doorbell = createPostgresDoorbell(listener, database.pool)
  const directory = await mkdtemp(join(tmpdir(), 'ff-scene-'))
  const storage = createEncryptedStorage(createFileStorage({ directory }), Buffer.alloc(32, 1))
  const stories = createStory({ database, storage })
  const context = {
    database,
    storage,
    bus,
    listener,
    events: createEventLog(bus),
    doorbell,
    signal: createPostgresAttemptSignal(listener),
  }
  const tenant = await addTenant('first')

  async function addTenant(slug: string): Promise<Tenant> {
    const ids = { organizationId: uuidv7(), userId: uuidv7(), repositoryId: uuidv7() }
    await database.acrossOrganizations(async tx => {
      await insertOrganization(tx, { id: ids.organizationId, name: slug, slug })
      await insertUser(tx, { id: ids.userId, name: slug, email: `${slug}@example.org` })
      await insertMember(tx, {
        id: uuidv7(),
        organizationId: ids.organizationId,
        userId: ids.userId,
        role: 'owner',
      })
      await insertRepository(tx, {
        id: ids.repositoryId,
        organization_id: ids.organizationId,
        name: 'sample',
        url: null,
        default_branch: 'main',
        credential: null,
        settings: {},
        created_by: ids.userId,
      })
    })
    return ids
  }

  const claimer: Claimer = { workerId: uuidv7(), executor: 'dummy', place: 'here', leaseSeconds: 30 }
  const job = async (id: string): Promise<JobRow> =>
    (await database.acrossOrganizations(tx => lockJob(tx, id)))!

  return {
    ...context,
    test,
    tenant,
    addTenant,
    claimer,
    job,
    jobs: (): Promise<JobRow[]> => database.acrossOrganizations(tx => tx.all(sql`select * from jobs`)),
    submit: async (
      submission: Partial<Submission> = {},
      by: Tenant = tenant,
    ): Promise<{ id: string; number: number; state: JobState }> => {
      const wanted = { repositoryId: by.repositoryId, task: 'Do something.', ...submission }
      return (await submitJob(context, by, wanted, null)).body
    },
    claim: (limit = 1, by: Claimer = claimer): Promise<Claim[]> => claimJobs(context, by, limit, []),
    story: async (id: string): Promise<JobEvent[]> => {
      const { organization_id } = await job(id)
      const subject = { organizationId: organization_id, jobId: id }
      return (await stories.read(subject, 0, { limit: 100_000, bytes: Number.MAX_SAFE_INTEGER })).events
    },
    expireLease: async (attemptId: string): Promise<void> => {
      await database.acrossOrganizations(tx =>
        tx.run(
          sql`update attempts set lease_expires_at = now() - interval '1 second' where id = ${attemptId}`,
        ),
      )
    },
    /** A state that no act leads to while an attempt lives. */
    breakState: async (jobId: string): Promise<void> => {
      await database.acrossOrganizations(tx =>
        tx.run(sql`update jobs set state = 'succeeded' where id = ${jobId}`),
      )
    },
    liveAttempt: (jobId: string) => database.acrossOrganizations(tx => findLiveAttempt(tx, jobId)),
    /** Keeps claims from being written, until the function that it gives is called. */
    holdClaims: async () => {
      const admin = new pg.Client(test.superuserConfig)
      await admin.connect()
      await admin.query('begin; lock table attempts in exclusive mode')
      return {
        /** Those that wait. */
        waiting: async (): Promise<number> =>
          (
            await admin.query<{ count: number }>(
              `select count(*)::int from pg_locks where not granted and relation = 'attempts'::regclass`,
            )
          ).rows[0]!.count,
        letGo: () => admin.end(),
      }
    },
    /** Ends every connection to the database but the one that asks. */
    breakConnections: async (): Promise<void> => {
      const admin = new pg.Client(test.superuserConfig)
      await admin.connect()
      await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
      await admin.end()
    },
    removeJobs: (): Promise<number> => database.acrossOrganizations(tx => tx.run(sql`delete from jobs`)),
    close: async () => {
      await Promise.all([bus.close(), doorbell.close()])
      await listener.close()
      await test.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export const TERMINAL_EVENTS: string[] = TERMINAL_STATES.map(state => `job.${state}`)
