// Which credential a request carries, and whether it is the right one.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { ApiError } from './api-errors.ts'
import type { RecordedRequest } from './record.ts'

export function credentialOf(headers: IncomingHttpHeaders): RecordedRequest['auth'] {
  const apiKey = headers['x-api-key']
  if (typeof apiKey === 'string' && apiKey) return { scheme: 'x-api-key', key: apiKey }
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  return bearer ? { scheme: 'bearer', key: bearer } : { scheme: 'none' }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

export function checkCredential(auth: RecordedRequest['auth'], required: string | undefined): void {
  if (auth.key === undefined) throw new ApiError(401, 'x-api-key header is required')
  if (required === undefined || timingSafeEqual(digest(auth.key), digest(required))) return
  throw new ApiError(401, auth.scheme === 'bearer' ? 'Invalid bearer token' : undefined)
}
