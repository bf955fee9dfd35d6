// Room on the disks that fill: the data folder's and Docker's. The database's size is told, since it grows unseen.
import { statfs } from 'node:fs/promises'
import type { Database } from '../store/database.ts'
import { databaseFacts } from '../store/health.ts'
import { type CheckResult, type Finding, gibibytes, judge } from './check-result.ts'

export interface Disk {
  /** For people: what lies there. */
  what: string
  directory: string
}

export interface DiskLimits {
  warningBytes: number
  problemBytes: number
}

const GIB = 1024 ** 3
const LIMITS: DiskLimits = { warningBytes: 10 * GIB, problemBytes: 2 * GIB }

export async function checkDisks(
  database: Database,
  disks: Disk[],
  limits: DiskLimits = LIMITS,
): Promise<CheckResult> {
  const rooms = await Promise.all(disks.map(roomOf))
  const known = rooms.filter(room => room !== null)
  const size = await database.acrossOrganizations(databaseFacts).then(
    ({ sizeBytes }) => `The database has ${gibibytes(sizeBytes)}.`,
    () => '',
  )
  const well = [...known.map(({ summary }) => summary), size].filter(Boolean).join(' ')
  return judge(
    'disk',
    well,
    known.map(room => findingOf(room, limits)),
  )
}

interface Room {
  summary: string
  freeBytes: number
}

async function roomOf({ what, directory }: Disk): Promise<Room | null> {
  const found = await statfs(directory).catch(() => null)
  // Docker's folder is not ours to look into where Docker runs in a virtual machine.
  if (!found) return null
  const freeBytes = found.bavail * found.bsize
  return { freeBytes, summary: `${gibibytes(freeBytes)} free for ${what} (${directory}).` }
}

function findingOf({ freeBytes, summary }: Room, limits: DiskLimits): Finding | null {
  if (freeBytes >= limits.warningBytes) return null
  return {
    status: freeBytes < limits.problemBytes ? 'problem' : 'warning',
    summary,
    next: 'Free space, keep less (retention), or move it to a larger disk; when it is full, jobs end as disk_full.',
  }
}
