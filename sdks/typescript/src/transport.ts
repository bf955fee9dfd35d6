// One request to FlowForge: credentials, time limit, retries, and errors as exceptions. Knows no route.
import createClient, { type Client } from 'openapi-fetch'
import { backoffMs, retryAfterMs, wait } from './backoff.ts'
import { FlowForgeConnectionError, readApiError } from './errors.ts'
import type { paths } from './generated/api.d.ts'

export type Fetch = (request: Request) => Promise<Response>

export interface TransportOptions {
  /** Where FlowForge is, without `/api/v1`. In a browser '' means the page's own origin. */
  baseUrl: string
  /** An API key (`ffk_…`) or JWT. Absent in a browser: the session's cookie counts. */
  token?: string | undefined
  fetch?: Fetch
  /** Sent with every request. */
  headers?: Record<string, string>
  /** How often a request that is safe to repeat is tried again. Default 3. */
  maxRetries?: number
  /** Until the answer's headers are there. Default 60,000. */
  timeoutMs?: number
}

export interface Transport {
  /** Retries, and throws on every answer that is not a success; so `data` is always there. */
  client: Client<paths>
  /** One try, for those who repeat by themselves. */
  once: Fetch
}

const RETRIED_STATUS = new Set([429, 502, 503, 504])
const RETRY_DELAY = { firstMs: 400, maxMs: 8_000 }
/** A server that asks for more patience than this gets its error shown instead. */
const MAX_RETRY_AFTER_MS = 60_000

export function createTransport(options: TransportOptions): Transport {
  const send = options.fetch ?? (request => globalThis.fetch(request))
  const timeoutMs = options.timeoutMs ?? 60_000
  const maxRetries = options.maxRetries ?? 3
  const once: Fetch = request => sendOnce(send, request, timeoutMs)
  const client = createClient<paths>({
    baseUrl: options.baseUrl,
    headers: {
      accept: 'application/json',
      ...options.headers,
      ...(options.token ? { authorization: `Bearer ${options.token}` } : {}),
    },
    fetch: async request => {
      const response = await sendWithRetries(once, request, maxRetries)
      if (!response.ok) throw await readApiError(response)
      return response
    },
  })
  return { client, once }
}

/** The time limit ends with the headers: a stream may go on for hours. */
async function sendOnce(send: Fetch, request: Request, timeoutMs: number): Promise<Response> {
  const tooSlow = new AbortController()
  const timer = setTimeout(() => tooSlow.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    return await send(new Request(request, { signal: AbortSignal.any([request.signal, tooSlow.signal]) }))
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason
    const cause = tooSlow.signal.aborted ? tooSlow.signal.reason : error
    throw new FlowForgeConnectionError(
      `${new URL(request.url).origin} can not be reached: ${describe(cause)}`,
      {
        cause,
      },
    )
  } finally {
    clearTimeout(timer)
  }
}

/** Node hides the useful part ("connect ECONNREFUSED …") one or two causes below "fetch failed". */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause instanceof Error) return describe(error.cause)
  if (error instanceof AggregateError && error.message === '') return describe(error.errors[0])
  return error.message
}

async function sendWithRetries(once: Fetch, request: Request, maxRetries: number): Promise<Response> {
  const retries = isRepeatable(request) ? maxRetries : 0
  for (let attempt = 0; ; attempt += 1) {
    if (attempt === retries) return once(request)
    const outcome = await once(request.clone()).catch((error: unknown) => {
      if (error instanceof FlowForgeConnectionError) return error
      throw error
    })
    const delayMs = delayBeforeRetry(outcome, attempt)
    if (delayMs === undefined) return outcome as Response
    await wait(delayMs, request.signal)
  }
}

/** Undefined: the outcome is final. */
function delayBeforeRetry(outcome: Response | FlowForgeConnectionError, attempt: number): number | undefined {
  if (outcome instanceof FlowForgeConnectionError) return backoffMs(attempt, RETRY_DELAY)
  if (!RETRIED_STATUS.has(outcome.status)) return undefined
  const asked = retryAfterMs(outcome.headers.get('retry-after'), Date.now())
  if (asked !== undefined && asked > MAX_RETRY_AFTER_MS) return undefined
  // Nobody reads this answer: free its connection.
  outcome.body?.cancel().catch(() => {})
  return asked ?? backoffMs(attempt, RETRY_DELAY)
}

/** A POST is safe to repeat when the server can tell the repetition by its key. */
const isRepeatable = (request: Request): boolean =>
  request.method === 'GET' || (request.method === 'POST' && request.headers.has('idempotency-key'))

export interface CallOptions {
  signal?: AbortSignal | undefined
}

export interface CreateOptions extends CallOptions {
  /** The same key and body give the same answer, also much later. Made for each call when absent. */
  idempotencyKey?: string | undefined
}

/** What makes a POST repeatable, as request options. */
export const idempotency = ({ signal, idempotencyKey }: CreateOptions) => ({
  signal,
  headers: { 'idempotency-key': idempotencyKey ?? newIdempotencyKey() },
})

/** Also where there is no `crypto.randomUUID`: a page served over plain HTTP. */
function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
