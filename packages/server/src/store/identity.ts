// SQL on the sign-in library's tables: the first organization and owner, API keys, and whose key a request carries.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface PrincipalRow {
  user_id: string
  user_name: string
  user_email: string
  organization_id: string
  organization_slug: string
  organization_name: string
  role: string
}

const principalColumns = sql`
  u.id as user_id, u.name as user_name, u.email as user_email,
  o.id as organization_id, o.slug as organization_slug, o.name as organization_name, m.role`

/** An API key belongs to a user in one organization (its metadata); the member's role is what it may do. */
export const findPrincipalByKey = (tx: Transaction, keyHash: string): Promise<PrincipalRow | undefined> =>
  tx.first(sql`
    select ${principalColumns}
    from apikey k
    join "user" u on u.id = k."referenceId"
    join member m on m."userId" = u.id and m."organizationId" = (k.metadata::json ->> 'organizationId')
    join organization o on o.id = m."organizationId"
    where k.key = ${keyHash} and k.enabled and (k."expiresAt" is null or k."expiresAt" > now())`)

/** A person's session: the organization they chose last, else their first. */
export const findPrincipalByUser = (
  tx: Transaction,
  userId: string,
  activeOrganizationId: string | null,
): Promise<PrincipalRow | undefined> =>
  tx.first(sql`
    select ${principalColumns}
    from "user" u
    join member m on m."userId" = u.id
    join organization o on o.id = m."organizationId"
    where u.id = ${userId}
    order by (o.id = ${activeOrganizationId}) desc nulls last, m."createdAt" limit 1`)

export const insertOrganization = (
  tx: Transaction,
  organization: { id: string; name: string; slug: string },
): Promise<number> =>
  tx.run(sql`
    insert into organization (id, name, slug, "createdAt")
    values (${organization.id}, ${organization.name}, ${organization.slug}, now()) on conflict do nothing`)

export const findOrganizationBySlug = (
  tx: Transaction,
  slug: string,
): Promise<{ id: string; slug: string; name: string } | undefined> =>
  tx.first(sql`select id, slug, name from organization where slug = ${slug}`)

export const insertUser = (
  tx: Transaction,
  user: { id: string; name: string; email: string },
): Promise<number> =>
  tx.run(sql`
    insert into "user" (id, name, email, "emailVerified") values (${user.id}, ${user.name}, ${user.email}, true)
    on conflict do nothing`)

export const findOwner = (tx: Transaction, organizationId: string): Promise<{ id: string } | undefined> =>
  tx.first(sql`
    select "userId" as id from member where "organizationId" = ${organizationId} and role = 'owner'
    order by "createdAt" limit 1`)

export const insertMember = (
  tx: Transaction,
  member: { id: string; organizationId: string; userId: string; role: string },
): Promise<number> =>
  tx.run(sql`
    insert into member (id, "organizationId", "userId", role, "createdAt")
    values (${member.id}, ${member.organizationId}, ${member.userId}, ${member.role}, now())`)

export interface ApiKeyRow {
  id: string
  name: string | null
  start: string | null
  createdAt: Date
  lastRequest: Date | null
  expiresAt: Date | null
}

export const insertApiKey = (
  tx: Transaction,
  key: {
    id: string
    name: string
    start: string
    prefix: string
    hash: string
    userId: string
    organizationId: string
    expiresAt: Date | null
  },
): Promise<number> =>
  tx.run(sql`
    insert into apikey (id, "configId", name, start, prefix, key, "referenceId", enabled, "rateLimitEnabled", "requestCount",
                        "expiresAt", "createdAt", "updatedAt", metadata)
    values (${key.id}, 'default', ${key.name}, ${key.start}, ${key.prefix}, ${key.hash}, ${key.userId}, true, false, 0,
            ${key.expiresAt}, now(), now(), ${JSON.stringify({ organizationId: key.organizationId })})`)

export const apiKeyExists = async (tx: Transaction, keyHash: string): Promise<boolean> =>
  (await tx.first(sql`select id from apikey where key = ${keyHash}`)) !== undefined

export const listApiKeys = (tx: Transaction, organizationId: string, userId: string): Promise<ApiKeyRow[]> =>
  tx.all(sql`
    select id, name, start, "createdAt", "lastRequest", "expiresAt" from apikey
    where "referenceId" = ${userId} and (metadata::json ->> 'organizationId') = ${organizationId}
    order by "createdAt" desc`)

export const deleteApiKey = async (
  tx: Transaction,
  organizationId: string,
  userId: string,
  id: string,
): Promise<boolean> =>
  (await tx.run(sql`
    delete from apikey
    where id = ${id} and "referenceId" = ${userId} and (metadata::json ->> 'organizationId') = ${organizationId}`)) >
  0

/** When keys were last used, written in batches. */
export const touchApiKeys = (tx: Transaction, keyHashes: string[]): Promise<number> =>
  tx.run(sql`update apikey set "lastRequest" = now() where key = any(${keyHashes})`)

export const installationId = async (tx: Transaction, candidate: string): Promise<string> =>
  (await tx.first<{ id: string }>(sql`
    insert into installation (id) values (${candidate})
    on conflict (only_row) do update set only_row = true returning id`))!.id

export const insertVerification = (
  tx: Transaction,
  row: { id: string; identifier: string; value: string; hours: number },
): Promise<number> =>
  tx.run(sql`
    insert into verification (id, identifier, value, "expiresAt")
    values (${row.id}, ${row.identifier}, ${row.value}, now() + make_interval(hours => ${row.hours}))`)
