// Appends to the story of a job and lets watchers know. Numbers are Postgres's; this file makes the text storable.
import { EVENT_DATA, type NewEvent } from '@flowforge/protocol'
import type { EventLog } from '../jobs/ports.ts'
import { insertEvents, insertEventsOfMany } from '../store/events.ts'
import type { Bus } from './bus.ts'

export function createEventLog(bus: Bus): EventLog {
  return {
    append: async (tx, job, events) => {
      const seq = await insertEvents(tx, job.id, job.attempt, events.map(storable))
      await bus.announce(tx, { jobId: job.id, organizationId: job.organization_id, seq })
      return seq
    },
    appendToMany: async (tx, ofJobs) => {
      const entries = ofJobs.map(({ job, events }) => ({
        ...{ jobId: job.id, attempt: job.attempt, events: events.map(storable) },
      }))
      for (const { id, organization_id, last_seq } of await insertEventsOfMany(tx, entries))
        await bus.announce(tx, { jobId: id, organizationId: organization_id, seq: last_seq })
    },
  }
}

/** Throws (ZodError) on data that is not of its type's form: nothing unchecked enters the log. */
export function storable(event: NewEvent): { type: NewEvent['type']; json: string } {
  const data: unknown = EVENT_DATA[event.type].parse(event.data)
  return { type: event.type, json: JSON.stringify(data, readable) }
}

/** No NUL and no half of a surrogate pair: readers in other languages choke on them. U+2400 and U+FFFD stand for them. */
const readable = (_key: string, value: unknown) =>
  typeof value === 'string' ? value.replaceAll('\0', '\u2400').toWellFormed() : value
