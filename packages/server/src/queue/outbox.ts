// The doorbell where a broker rings. A ring is written with what it tells of (transactional outbox), told to the broker
// after the commit, and forgotten when the broker has confirmed it. What this process could not tell, the sweep tells.
import type { Logger } from 'pino'
import type { Doorbell } from '../jobs/ports.ts'
import type { Database } from '../store/database.ts'
import { createTeller } from '../store/notify.ts'
import { deleteRings, insertRings, listDueRings, listUnheard, type OutboxRow } from '../store/outbox.ts'
import type { Broker } from './broker.ts'

export interface OutboxDoorbell extends Doorbell {
  /** Tells what is due and was not told, and rings anew for jobs whose rings the broker has lost. For one process at a time. */
  sweep(): Promise<void>
  close(): Promise<void>
}

const BATCH = 500
/** By then a ring has woken somebody, if anybody has room. */
const UNHEARD_SECONDS = 3

export function createOutboxDoorbell({
  database,
  broker,
  log,
}: {
  database: Database
  broker: Broker
  log: Logger
}): OutboxDoorbell {
  const tell = async (rings: OutboxRow[]): Promise<void> => {
    await broker.publish([...new Set(rings.map(ring => ring.job_id))])
    await database.acrossOrganizations(tx =>
      deleteRings(
        tx,
        rings.map(ring => ring.id),
      ),
    )
  }
  let fresh: OutboxRow[] = []
  const teller = createTeller(async () => {
    const rings = fresh
    fresh = []
    // What fails stays in the table.
    for (let start = 0; start < rings.length; start += BATCH) await tell(rings.slice(start, start + BATCH))
  })

  const tellDue = async (): Promise<void> => {
    for (;;) {
      const due = await database.acrossOrganizations(tx => listDueRings(tx, BATCH))
      if (due.length > 0) await tell(due)
      if (due.length < BATCH) return
    }
  }
  /** Rings that wait at the broker will wake somebody: as long as there are any, none is missing. */
  const ringAnew = async (): Promise<void> => {
    const unheard = await database.acrossOrganizations(tx => listUnheard(tx, UNHEARD_SECONDS, BATCH))
    if (unheard.length === 0 || (await broker.waiting()) > 0) return
    await broker.publish(unheard)
    log.debug({ jobs: unheard.length }, 'rang anew for jobs that nobody took')
  }

  return {
    ring: async (tx, jobIds, delayMs = 0) => {
      const rings = await insertRings(tx, jobIds, delayMs)
      if (delayMs > 0) return
      tx.afterCommit(() => {
        fresh.push(...rings)
        teller.tell()
      })
    },
    answer: claimer => broker.answer(claimer),
    sweep: async () => {
      // An installation without its broker is degraded, not broken, and the broker has said so in the log.
      if (!(await broker.check()).ok) return
      await tellDue()
      await ringAnew()
    },
    close: async () => {
      await teller.close()
      await broker.close()
    },
  }
}
