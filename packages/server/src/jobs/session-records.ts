// Keeps a job's conversation outside of its container: announced, stored, then named by its row in the transaction that
// lets go of the file before. What lies in it came from a container and is only ever given back to the same job.
import type { Readable } from 'node:stream'
import { v7 as uuidv7 } from 'uuid'
import { FlowForgeError } from '../errors.ts'
import type { GatewayAttempt } from '../gateway/attempt.ts'
import { findSession, saveSession } from '../store/conversations.ts'
import type { Database } from '../store/database.ts'
import { announceObject, doomObjects, keepObject, letGoOfObject } from '../store/doomed-objects.ts'
import { asHolder } from './as-holder.ts'
import type { EventLog, SessionStorage } from './ports.ts'

export interface SessionUpload {
  sessionId: string
  /** The newest of people's messages that this state of the conversation knows. */
  throughMessage: number
  body: Readable
  /** How much of the body came; asked when it is stored. */
  sizeBytes: () => number
}

export function createSessionRecords(
  { database, events, storage }: { database: Database; events: EventLog; storage: SessionStorage },
  epoch: number,
) {
  return {
    saveSession: async (
      attempt: GatewayAttempt,
      { sessionId, throughMessage, body, sizeBytes }: SessionUpload,
    ): Promise<void> => {
      const holder = { attemptId: attempt.attemptId, epoch }
      const key = `sessions/${attempt.jobId}/${attempt.number}-${uuidv7()}`
      await database.acrossOrganizations(tx => announceObject(tx, attempt.organizationId, key))
      try {
        await storage.put(key, body)
        await asHolder(database, attempt.jobId, holder, async (tx, job) => {
          if (!(await keepObject(tx, key)))
            throw new FlowForgeError('storage_unavailable', 'The session took too long to store.')
          const earlier = await findSession(tx, job.id)
          if (earlier) await letGoOfObject(tx, job.organization_id, earlier.storage_key)
          await saveSession(tx, job, {
            sessionId,
            attempt: attempt.number,
            storageKey: key,
            sizeBytes: sizeBytes(),
            throughMessage: Math.min(throughMessage, job.messages),
          })
          await events.append(tx, job, [
            { type: 'session.saved', data: { sessionId, sizeBytes: sizeBytes() } },
          ])
        })
      } catch (error) {
        // Where not even this goes through, the announcement runs out.
        await database.acrossOrganizations(tx => doomObjects(tx, [key])).catch(() => {})
        throw error
      }
    },

    /** What the newest attempt of this very job saved; null: nothing. */
    openSession: async (attempt: GatewayAttempt): Promise<Readable | null> => {
      const row = await database.acrossOrganizations(tx => findSession(tx, attempt.jobId))
      return row ? storage.get(row.storage_key) : null
    },
  }
}
