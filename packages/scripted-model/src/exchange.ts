// One request and its answer over HTTP: what the routes share. Knows no scenario.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError, errorOnTheWire } from './api-errors.ts'
import type { FaultCounts } from './fault-counts.ts'
import type { RecordedRequest, RequestRecord } from './record.ts'
import type { Scenario } from './scenario.ts'

export interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  body: Buffer
  recorded: RecordedRequest
  signal: AbortSignal
}

/** What all exchanges share. */
export interface Context {
  scenarios: Scenario[]
  apiKey: string | undefined
  pace: number
  record: RequestRecord
  faultCounts: FaultCounts
}

/** The API's own limit on a request. */
const MOST_BODY_BYTES = 32_000_000

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    // The rest is read but not kept: a client that is still sending could not read an answer.
    if (size <= MOST_BODY_BYTES) chunks.push(chunk)
  }
  if (size > MOST_BODY_BYTES) throw new ApiError(413)
  return Buffer.concat(chunks)
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new ApiError(400, 'The request body is not valid JSON')
  }
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

export function sendError(response: ServerResponse, error: ApiError, requestId: string): void {
  if (response.headersSent) return void response.destroy()
  // The API says whether another try makes sense; without it Claude Code tries a refused key for three minutes.
  response.setHeader('x-should-retry', String(error.status === 429 || error.status >= 500))
  if (error.retryAfterSeconds !== undefined)
    response.setHeader('retry-after', String(error.retryAfterSeconds))
  sendJson(response, error.status, errorOnTheWire(error, requestId))
}
