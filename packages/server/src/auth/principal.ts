// Who makes a request: the user and organization behind an API key or a session cookie. Asked on every request.
import { FlowForgeError } from '../errors.ts'
import { assertAnswers, type Database } from '../store/database.ts'
import {
  findPrincipalByKey,
  findPrincipalByUser,
  type PrincipalRow,
  touchApiKeys,
} from '../store/identity.ts'
import { hashApiKey } from './api-keys.ts'
import type { Auth } from './better-auth.ts'

export interface Principal {
  userId: string
  user: { id: string; name: string; email: string }
  organizationId: string
  organization: { id: string; slug: string; name: string }
  role: string
  via: 'apiKey' | 'session'
}

export interface Authenticator {
  /** Throws `not_signed_in`. */
  authenticate(headers: Headers): Promise<Principal>
  byKey(key: string): Promise<Principal | undefined>
  close(): Promise<void>
}

/** A revoked key is refused after this long at the latest. */
const REMEMBER_MS = 2_000
const REMEMBER_MOST = 10_000
const TOUCH_MS = 10_000

export function createAuthenticator({
  database,
  auth,
}: {
  database: Database
  auth: () => Promise<Auth>
}): Authenticator {
  const remembered = new Map<string, { principal: Principal; until: number }>()
  const used = new Set<string>()

  const byKey = async (key: string): Promise<Principal | undefined> => {
    const hash = hashApiKey(key)
    const known = remembered.get(hash)
    if (known && known.until > performance.now()) return known.principal
    const row = await database.acrossOrganizations(tx => findPrincipalByKey(tx, hash))
    if (!row) {
      remembered.delete(hash)
      return undefined
    }
    const principal = principalOf(row, 'apiKey')
    if (remembered.size >= REMEMBER_MOST) remembered.clear()
    remembered.set(hash, { principal, until: performance.now() + REMEMBER_MS })
    used.add(hash)
    return principal
  }

  const bySession = async (headers: Headers): Promise<Principal | undefined> => {
    const { api } = await auth()
    const session = await api.getSession({ headers }).catch(error => explained(database, error))
    if (!session) return undefined
    const active = session.session.activeOrganizationId ?? null
    const row = await database.acrossOrganizations(tx => findPrincipalByUser(tx, session.user.id, active))
    return row && principalOf(row, 'session')
  }

  const flush = async (): Promise<void> => {
    const hashes = [...used]
    used.clear()
    if (hashes.length > 0) await database.acrossOrganizations(tx => touchApiKeys(tx, hashes))
  }
  const timer = setInterval(() => flush().catch(() => {}), TOUCH_MS)
  timer.unref()

  return {
    byKey,
    authenticate: async headers => {
      const key = bearer(headers.get('authorization'))
      const principal =
        key !== undefined ? await byKey(key) : headers.has('cookie') ? await bySession(headers) : undefined
      if (principal) return principal
      throw new FlowForgeError(
        'not_signed_in',
        key !== undefined
          ? 'This API key is not known or no longer valid.'
          : 'Sign in, or send an API key as "Authorization: Bearer ffk_…".',
      )
    },
    close: async () => {
      clearInterval(timer)
      // When a key was last used is not worth a failed stop.
      await flush().catch(() => {})
    },
  }
}

/** The sign-in library hides why it failed: whether the database answers is asked anew. */
async function explained(database: Database, error: unknown): Promise<never> {
  await assertAnswers(database)
  throw error
}

const bearer = (header: string | null): string | undefined => /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1]

export const principalOf = (row: PrincipalRow, via: Principal['via']): Principal => ({
  userId: row.user_id,
  user: { id: row.user_id, name: row.user_name, email: row.user_email },
  organizationId: row.organization_id,
  organization: { id: row.organization_id, slug: row.organization_slug, name: row.organization_name },
  role: row.role,
  via,
})
