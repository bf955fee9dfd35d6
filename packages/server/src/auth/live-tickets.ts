// Tickets for live connections of those who can send no headers, such as a browser's WebSocket: taken with a proper
// request, worth one connection within half a minute. Kept as hashes in the database, so that any server takes them once.
import { createHash, randomBytes } from 'node:crypto'
import { FlowForgeError } from '../errors.ts'
import type { Database } from '../store/database.ts'
import { findPrincipalByUser } from '../store/identity.ts'
import { deleteExpiredTickets, insertTicket, takeTicket } from '../store/live-tickets.ts'
import { type Principal, principalOf } from './principal.ts'

export interface LiveTickets {
  issue(principal: Principal): Promise<{ ticket: string; expiresAt: Date }>
  /** Throws `not_signed_in`: used before, too old, or of somebody who may no longer be there. */
  redeem(ticket: string): Promise<Principal>
}

const LIFE_SECONDS = 30

const hashOf = (ticket: string): Buffer => createHash('sha256').update(ticket).digest()

export function createLiveTickets(database: Database): LiveTickets {
  return {
    issue: async ({ userId, organizationId }) => {
      const ticket = `fft_live_${randomBytes(32).toString('base64url')}`
      const expiresAt = await database.inOrganization(organizationId, async tx => {
        await deleteExpiredTickets(tx)
        return insertTicket(tx, hashOf(ticket), { userId, organizationId }, LIFE_SECONDS)
      })
      return { ticket, expiresAt }
    },
    redeem: async ticket => {
      const row = await database.acrossOrganizations(async tx => {
        const taken = await takeTicket(tx, hashOf(ticket))
        const found = taken && (await findPrincipalByUser(tx, taken.user_id, taken.organization_id))
        // Who left the organization meanwhile would be found in another one.
        return found?.organization_id === taken?.organization_id ? found : undefined
      })
      if (!row)
        throw new FlowForgeError(
          'not_signed_in',
          'This ticket was used before or is older than half a minute. Take another: POST /api/v1/live/tickets.',
        )
      // Like a key: nothing that a browser sends by itself for other sites' pages.
      return principalOf(row, 'apiKey')
    },
  }
}
