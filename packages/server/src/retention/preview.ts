// What retention would delete now, and with which settings: said before anything goes.
import type { Database } from '../store/database.ts'
import { type DueSample, findDue, findUnusedRepositories } from '../store/retention.ts'
import { type KeepDays, KINDS, type Kind } from './settings.ts'

export interface Doomed {
  count: number
  /** In object storage, or of mirrors on this machine. Rows are not counted. */
  bytes: number
  oldest: Date | null
  newest: Date | null
  sample: DueSample[]
}

export interface PreviewContext {
  database: Database
  /** What a repository's mirror takes on this machine; 0: there is none. */
  mirrorBytes(repositoryId: string): Promise<number>
}

const SAMPLES = 5
const NOTHING: Doomed = { count: 0, bytes: 0, oldest: null, newest: null, sample: [] }

export async function previewRetention(
  context: PreviewContext,
  organizationId: string,
  keepDays: KeepDays,
): Promise<Record<Kind, Doomed>> {
  const entries = await Promise.all(
    KINDS.map(async kind => {
      const days = keepDays[kind]
      return [kind, days === null ? NOTHING : await doomed(context, organizationId, kind, days)] as const
    }),
  )
  return Object.fromEntries(entries) as Record<Kind, Doomed>
}

const doomed = (
  context: PreviewContext,
  organizationId: string,
  kind: Kind,
  days: number,
): Promise<Doomed> =>
  kind === 'mirrors'
    ? doomedMirrors(context, organizationId, days)
    : context.database.inOrganization(organizationId, tx => findDue(tx, organizationId, kind, days, SAMPLES))

async function doomedMirrors(
  { database, mirrorBytes }: PreviewContext,
  organizationId: string,
  days: number,
): Promise<Doomed> {
  const unused = await database.inOrganization(organizationId, tx =>
    findUnusedRepositories(tx, organizationId, days),
  )
  const here: Array<(typeof unused)[number] & { bytes: number }> = []
  for (const repository of unused) {
    const bytes = await mirrorBytes(repository.id)
    if (bytes > 0) here.push({ ...repository, bytes })
  }
  return {
    count: here.length,
    bytes: here.reduce((sum, { bytes }) => sum + bytes, 0),
    oldest: here[0]?.last_used_at ?? null,
    newest: here.at(-1)?.last_used_at ?? null,
    sample: here.slice(0, SAMPLES).map(({ id, name, last_used_at: at }) => ({ id, name, at })),
  }
}
