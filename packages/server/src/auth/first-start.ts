// The first start: the organization `default`, its owner, and the keys by which the owner gets in. Safe to repeat.
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { FlowForgeError } from '../errors.ts'
import { readOrMakeSecret } from '../secrets/secret-file.ts'
import type { Database, Transaction } from '../store/database.ts'
import {
  apiKeyExists,
  findOrganizationBySlug,
  findOwner,
  insertApiKey,
  insertMember,
  insertOrganization,
  insertUser,
  insertVerification,
} from '../store/identity.ts'
import { API_KEY_PREFIX, hashApiKey, linkIdentifier, newApiKey } from './api-keys.ts'

export const DEFAULT_ORGANIZATION = 'default'

export interface Owner {
  userId: string
  organizationId: string
}

export function ensureDefaultOrganization(database: Database): Promise<Owner> {
  return database.acrossOrganizations(async tx => {
    await insertOrganization(tx, { id: uuidv7(), name: 'Default', slug: DEFAULT_ORGANIZATION })
    const organization = (await findOrganizationBySlug(tx, DEFAULT_ORGANIZATION))!
    const owner = await findOwner(tx, organization.id)
    if (owner) return { userId: owner.id, organizationId: organization.id }
    const user = { id: uuidv7(), name: 'Owner', email: 'owner@flowforge.invalid' }
    await insertUser(tx, user)
    await insertMember(tx, { id: uuidv7(), organizationId: organization.id, userId: user.id, role: 'owner' })
    return { userId: user.id, organizationId: organization.id }
  })
}

/** Makes `key` a key of the owner, unless it is one. */
export const ensureKey = (database: Database, owner: Owner, key: string, name: string): Promise<void> =>
  database.acrossOrganizations(async tx => {
    if (!(await apiKeyExists(tx, hashApiKey(key)))) await storeKey(tx, owner, key, name)
  })

export async function storeKey(
  tx: Transaction,
  owner: Owner,
  key: string,
  name: string,
): Promise<{ id: string; start: string }> {
  const id = uuidv7()
  const start = key.slice(0, API_KEY_PREFIX.length + 6)
  await insertApiKey(tx, {
    id,
    name,
    start,
    prefix: API_KEY_PREFIX,
    hash: hashApiKey(key),
    ...owner,
    expiresAt: null,
  })
  return { id, start }
}

/**
 * The key by which the command line on this machine gets in: a file in the data folder that only its owner can read.
 * Returns it; `isNew` on the first start.
 */
export async function ensureLocalKey(
  database: Database,
  owner: Owner,
  dataDirectory: string,
): Promise<{ key: string; isNew: boolean }> {
  const file = join(dataDirectory, 'cli-token')
  const { secret: key, isNew } = readOrMakeSecret(file, () => newApiKey(API_KEY_PREFIX))
  // An empty or mangled file must not make its content a key that opens everything.
  if (!key.startsWith(API_KEY_PREFIX))
    throw new FlowForgeError(
      'config_invalid',
      `${file} does not hold an API key. Remove it; a new one is made at the next start.`,
    )
  await ensureKey(database, owner, key, 'Command line on this machine')
  return { key, isNew }
}

const LINK_HOURS = 24

/** A link that signs its first user in as the owner. The token stands behind `#`: browsers do not send it to servers or logs. */
export async function createSignUpLink(database: Database, owner: Owner, publicUrl: string): Promise<string> {
  const token = newApiKey('')
  await database.acrossOrganizations(tx =>
    insertVerification(tx, {
      id: uuidv7(),
      identifier: linkIdentifier(token),
      value: owner.userId,
      hours: LINK_HOURS,
    }),
  )
  return `${publicUrl}/sign-up#token=${token}`
}
