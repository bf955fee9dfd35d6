// Which errors of Postgres and its driver mean that the database is away or full, and in which words people hear of it.
import { FlowForgeError } from '../errors.ts'

/**
 * SQLSTATE (PostgreSQL documentation, appendix A): classes 08 (connection), 53 (resources), 57P (shutdown); 57014 (the
 * statement took longer than it may), 25P03 (we fell silent within a transaction), and 25006 (read only: a standby, or a
 * primary that was one until just now).
 */
const UNAVAILABLE = /^(08|53|57P|57014|25P03|25006)/
/** One of two that waited for each other was ended (deadlock_detected, serialization_failure): a second try goes through. */
const CONTENDED = /^(40P01|40001)/
const UNAVAILABLE_ERRNO = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])
/** Of the driver, which has no codes for them. */
const LOST =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered|Client was closed|Query read timeout/

/** `database_unavailable` or `disk_full` where it is that; every other error as it came. */
export function nameOutage(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof FlowForgeError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === '53100')
    return new FlowForgeError('disk_full', 'The database has no space left. Free space on its disk.', {
      cause: error,
    })
  if (CONTENDED.test(code))
    return new FlowForgeError(
      'database_unavailable',
      'Two changes waited for each other, and Postgres gave this one up. Nothing of it was kept; try again.',
      { cause: error },
    )
  if (UNAVAILABLE.test(code) || UNAVAILABLE_ERRNO.has(code) || LOST.test(error.message)) {
    return new FlowForgeError(
      'database_unavailable',
      'Postgres does not answer. Nothing was lost; try again shortly.',
      { cause: error },
    )
  }
  return error
}
