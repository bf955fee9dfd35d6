// Appends to the story of a job and lets watchers know. Numbers are Postgres's; this file makes the text storable.
import { EVENT_DATA, type NewEvent } from '@flowforge/protocol'
import type { EventLog } from '../jobs/ports.ts'
import { insertEvents } from '../store/events.ts'
import type { Bus } from './bus.ts'

export function createEventLog(bus: Bus): EventLog {
  const append: EventLog['append'] = async (tx, job, events) => {
    const seq = await insertEvents(tx, job.id, job.attempt, events.map(storable))
    await bus.announce(tx, { jobId: job.id, organizationId: job.organization_id, seq })
    return seq
  }
  return {
    append,
    // Asked together, the store makes one statement of them.
    appendToMany: async (tx, ofJobs) => {
      await Promise.all(ofJobs.map(({ job, events }) => append(tx, job, events)))
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
