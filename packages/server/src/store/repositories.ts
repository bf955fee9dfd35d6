// SQL of repositories. The credential stays sealed here; `secrets/` opens it.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'
import { merged } from './merged.ts'

export interface RepositoryRow {
  id: string
  organization_id: string
  name: string
  url: string | null
  default_branch: string | null
  credential: Buffer | null
  settings: RepositorySettings
  /** How many of its jobs may run at once; null: as many as there is room for. */
  max_running: number | null
  created_at: Date
}

/** What an owner sets for all jobs of a repository. */
export interface RepositorySettings {
  setup?: string[]
  verify?: string[]
  egressAllow?: string[]
  image?: string
  /** Claude Code's permission rules for what needs a person's yes: `Bash(git push:*)`, `WebFetch`. */
  approvals?: string[]
}

export const insertRepository = async (
  tx: Transaction,
  row: Omit<RepositoryRow, 'created_at' | 'max_running'> & { created_by: string | null },
): Promise<RepositoryRow> =>
  (await tx.first<RepositoryRow>(sql`
    insert into repositories (id, organization_id, name, url, default_branch, credential, settings, created_by)
    values (${row.id}, ${row.organization_id}, ${row.name}, ${row.url}, ${row.default_branch}, ${row.credential},
            ${row.settings}, ${row.created_by})
    returning *`))!

const find = merged(
  ({ id, organizationId }: { organizationId: string; id: string }) => `${organizationId} ${id}`,
  async (tx: Transaction, wanted) => {
    const rows = await tx.all<RepositoryRow>(sql`
      select r.* from repositories r
      where (r.organization_id, r.id) in (select * from unnest(
        ${wanted.map(({ organizationId }) => organizationId)}::text[], ${wanted.map(({ id }) => id)}::uuid[]))`)
    const byId = new Map(rows.map(row => [`${row.organization_id} ${row.id}`, row]))
    return wanted.map(({ organizationId, id }) => byId.get(`${organizationId} ${id}`))
  },
  'read',
)

export const findRepository = (
  tx: Transaction,
  organizationId: string,
  id: string,
): Promise<RepositoryRow | undefined> => find(tx, { organizationId, id })

/** Keeps the repository from being removed until the caller's transaction, which makes something of it, ends. */
export const holdRepository = (
  tx: Transaction,
  organizationId: string,
  id: string,
): Promise<RepositoryRow | undefined> =>
  tx.first(
    sql`select * from repositories where organization_id = ${organizationId} and id = ${id} for key share`,
  )

/** For its removal: waits for those who hold it, and what they made is seen by the next statement. */
export const lockRepository = (
  tx: Transaction,
  organizationId: string,
  id: string,
): Promise<RepositoryRow | undefined> =>
  tx.first(
    sql`select * from repositories where organization_id = ${organizationId} and id = ${id} for update`,
  )

export const findRepositoryByName = (
  tx: Transaction,
  organizationId: string,
  name: string,
): Promise<RepositoryRow | undefined> =>
  tx.first(
    sql`select * from repositories where organization_id = ${organizationId} and lower(name) = lower(${name})`,
  )

/** Newest first; `before` is the id of the last row of the page before. */
export const listRepositories = (
  tx: Transaction,
  organizationId: string,
  page: { limit: number; before: string | null },
): Promise<RepositoryRow[]> =>
  tx.all(sql`
    select * from repositories
    where organization_id = ${organizationId} and (${page.before}::uuid is null or id < ${page.before}::uuid)
    order by id desc limit ${page.limit}`)

export interface RepositoryChange {
  name?: string
  default_branch?: string
  settings?: RepositorySettings
  credential?: Buffer
  max_running?: number | null
}

export const updateRepository = (
  tx: Transaction,
  organizationId: string,
  id: string,
  change: RepositoryChange,
): Promise<RepositoryRow | undefined> =>
  tx.first(sql`
    update repositories set
      name = coalesce(${change.name ?? null}, name),
      default_branch = coalesce(${change.default_branch ?? null}, default_branch),
      settings = settings || ${change.settings ?? {}}::jsonb,
      credential = coalesce(${change.credential ?? null}, credential),
      max_running = case when ${change.max_running !== undefined} then ${change.max_running ?? null}::int else max_running end
    where organization_id = ${organizationId} and id = ${id}
    returning *`)

export const deleteRepository = async (
  tx: Transaction,
  organizationId: string,
  id: string,
): Promise<boolean> =>
  (await tx.run(sql`delete from repositories where organization_id = ${organizationId} and id = ${id}`)) > 0

export const countUnfinishedJobs = async (tx: Transaction, repositoryId: string): Promise<number> =>
  (await tx.first<{ count: number }>(sql`
    select count(*) from jobs
    where repository_id = ${repositoryId} and state in ('pending', 'queued', 'running', 'waiting')`))!.count
