// Saved conversations on their way between a container and object storage: streamed, bounded, and whole or not at all.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MAX_SESSION_BYTES } from '@flowforge/protocol'
import { FlowForgeError, isFlowForgeError } from '../errors.ts'
import type { GatewayAttempt } from './attempt.ts'

export interface SessionFiles {
  saveSession(
    attempt: GatewayAttempt,
    upload: { sessionId: string; throughMessage: number; body: Readable; sizeBytes: () => number },
  ): Promise<void>
  openSession(attempt: GatewayAttempt): Promise<Readable | null>
}

export type Taken = { ok: true } | { ok: false; status: 400 | 413; message: string }

const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TRANSFER_TIMEOUT_MS = 5 * 60_000

export async function takeSession(
  files: SessionFiles,
  req: IncomingMessage,
  attempt: GatewayAttempt,
  query: URLSearchParams,
): Promise<Taken> {
  const sessionId = query.get('session') ?? ''
  const throughMessage = Number(query.get('through') ?? 0)
  const size = Number(req.headers['content-length'])
  if (!SESSION_ID.test(sessionId) || !Number.isSafeInteger(throughMessage) || throughMessage < 0)
    return refused(400, 'session: the id of a session; through: a whole number')
  // Without a length, nobody could tell a body that was cut from one that is short.
  if (!Number.isSafeInteger(size)) return refused(400, 'content-length: must be set')
  if (size > MAX_SESSION_BYTES) return refused(413, `A session has at most ${MAX_SESSION_BYTES} bytes.`)
  const body = exactly(req, size, attempt.signal)
  try {
    await files.saveSession(attempt, { sessionId, throughMessage, body, sizeBytes: () => size })
    return { ok: true }
  } catch (error) {
    body.destroy()
    if (isFlowForgeError(error, 'malformed_request')) return refused(400, error.message)
    throw error
  }
}

const refused = (status: 400 | 413, message: string): Taken => ({ ok: false, status, message })

/** Fails when the body ends early: storage keeps nothing of it then. */
function exactly(req: IncomingMessage, size: number, ended: AbortSignal): Readable {
  let came = 0
  const counted = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      came += chunk.length
      done(came > size ? cut() : null, chunk)
    },
    flush: done => done(came === size ? null : cut()),
  })
  const signal = AbortSignal.any([ended, AbortSignal.timeout(TRANSFER_TIMEOUT_MS)])
  // The reader of `counted` hears of a failure; here it must only not go unhandled.
  pipeline(req, counted, { signal }).catch(error => void counted.destroy(error))
  return counted
}

const cut = () => new FlowForgeError('malformed_request', 'The session was cut on its way; nothing was kept.')

/** False: there is none. */
export async function giveSession(
  files: SessionFiles,
  res: ServerResponse,
  attempt: GatewayAttempt,
): Promise<boolean> {
  const stored = await files.openSession(attempt)
  if (!stored) return false
  res.writeHead(200, { 'content-type': 'application/octet-stream' })
  // A failure half-way breaks the connection: the runner sees that it has not all.
  await pipeline(stored, res, { signal: attempt.signal }).catch(() => void res.destroy())
  return true
}
