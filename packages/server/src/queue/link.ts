// What processes speak to one another through, as people see it: for `doctor`, /readyz and /system.
import type { BrokerCheck } from './broker.ts'

export interface Link {
  kind: 'postgres' | 'rabbitmq' | 'redis'
  /** Why it does not work at the moment, as far as is known without asking; null: nothing speaks against it. */
  trouble(): string | null
  /** Never throws. */
  check(): Promise<BrokerCheck>
  /** What to do when it does not work. */
  next: string
}

/** The database is looked at elsewhere. */
export const POSTGRES_LINK: Link = {
  kind: 'postgres',
  trouble: () => null,
  check: async () => ({ ok: true, summary: 'Postgres' }),
  next: '',
}

export type Links = Record<'queue' | 'bus', Link>

/** What of them does not work, as far as is known without asking. */
export const degraded = (links: Links): string[] =>
  Object.entries(links).flatMap(([name, link]) => {
    const trouble = link.trouble()
    return trouble === null ? [] : [`${name} (${link.kind}): ${trouble}`]
  })
