// The way of an attempt to Claude: swaps its token for the organization's key, lets through what the policy allows,
// passes answers on byte by byte and counts what they used. Must not know where usage, budgets or keys are kept.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, type Dispatcher } from 'undici'
import type { ClaudeKey, ClaudeKeys } from '../claude/keys.ts'
import { priceRequest } from '../claude/pricing.ts'
import type { GatewayAttempt } from './attempt.ts'
import type { GatewayHandler, GatewayLog, OnDenied } from './attempt-server.ts'
import { exchangeWithClaude } from './claude-exchange.ts'
import type { RecordClaudeUsage } from './claude-ledger.ts'
import { type ClaudeEndpoint, findEndpoint, isProbe, judgeBody } from './claude-request.ts'
import { type ReadBody, readBody } from './read-body.ts'
import { sendApiError } from './refusal.ts'
import { reportOnce } from './repeats.ts'

export interface ClaudeLimits {
  maxBodyBytes: number
  /** Per attempt, over all its requests in flight. */
  maxBufferedBytes: number
  /** Per attempt. */
  maxConcurrentRequests: number
  bodyTimeoutMs: number
  /** Longest silence of the upstream within a stream, or before its first byte. */
  idleTimeoutMs: number
  /** Longest wait for an answer that is not streamed: it is silent until it is whole. */
  wholeAnswerTimeoutMs: number
  connectTimeoutMs: number
}

const DEFAULT_LIMITS: ClaudeLimits = {
  maxBodyBytes: 32 * 1024 * 1024,
  maxBufferedBytes: 96 * 1024 * 1024,
  maxConcurrentRequests: 32,
  bodyTimeoutMs: 60_000,
  idleTimeoutMs: 120_000,
  wholeAnswerTimeoutMs: 600_000,
  connectTimeoutMs: 10_000,
}

export type BudgetVerdict = { allowed: true } | { allowed: false; message: string }

export interface ClaudeProxyOptions {
  keys: ClaudeKeys
  ledger: { record: RecordClaudeUsage }
  log: GatewayLog
  /** Asked before each request that costs something. */
  budget?: { check(attempt: GatewayAttempt): Promise<BudgetVerdict> | BudgetVerdict }
  price?: typeof priceRequest
  onDenied?: OnDenied
  /** The upstream refused the organization's key, or there is none: nothing this attempt asks will work. */
  onUpstreamAuthFailure?: (attempt: GatewayAttempt) => void
  /** The API refused for now, and said how long. */
  onUpstreamBusy?: (attempt: GatewayAttempt, retryAfterMs: number) => void
  limits?: Partial<ClaudeLimits>
  /** Shared connections to the upstreams; by default a pool of its own. */
  dispatcher?: Dispatcher
}

export interface ClaudeProxy {
  handle: GatewayHandler
  /** Ends what is still open upstream. */
  close(): Promise<void>
}

export function createClaudeProxy(given: ClaudeProxyOptions): ClaudeProxy {
  const options = { ...given, onDenied: reportOnce(given.onDenied) }
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const dispatcher = options.dispatcher ?? createPool(limits)
  const loads = createLoads(limits)

  return {
    async handle(req, res, attempt, rest) {
      const request = { req, res, attempt, startedMs: performance.now() }
      const endpoint = admit(request, rest, options)
      if (!endpoint) return
      const load = loads.enter(attempt)
      if (!load) return refuseFlood(res)
      try {
        await serve({ ...request, endpoint, load, limits, dispatcher, options })
      } finally {
        load.leave()
      }
    },
    close: () => (options.dispatcher ? Promise.resolve() : dispatcher.destroy()),
  }
}

interface ClientRequest {
  req: IncomingMessage
  res: ServerResponse
  attempt: GatewayAttempt
  startedMs: number
}

/** Answers what needs no upstream, refuses what is not on the list. */
function admit(
  { req, res, attempt }: ClientRequest,
  target: string,
  { onDenied }: ClaudeProxyOptions,
): { name: ClaudeEndpoint; path: string } | undefined {
  const endpoint = findEndpoint(req.method, target)
  const what = `${req.method} ${target.split('?', 1)[0]!.slice(0, 200)}`
  if (isProbe(req.method, target)) {
    res.writeHead(200).end()
  } else if (attempt.phase !== 'agent') {
    const reason = 'Only the agent of a job may talk to Claude, not its clean verification.'
    sendApiError(res, 403, 'permission_error', reason, { retry: false })
    onDenied?.(attempt, { what, reason })
  } else if (!endpoint) {
    const reason = 'This endpoint of the Claude API is not open to jobs.'
    sendApiError(res, 404, 'not_found_error', reason, { retry: false })
    onDenied?.(attempt, { what, reason })
  } else {
    return endpoint
  }
}

interface AdmittedRequest extends ClientRequest {
  endpoint: { name: ClaudeEndpoint; path: string }
  load: Load
  limits: ClaudeLimits
  dispatcher: Dispatcher
  options: ClaudeProxyOptions
}

async function serve(request: AdmittedRequest): Promise<void> {
  const { req, res, attempt, endpoint, load, limits, options } = request
  const verdict = endpoint.name === 'messages' ? await options.budget?.check(attempt) : undefined
  if (verdict?.allowed === false) {
    sendApiError(res, 403, 'permission_error', `budget_exceeded: ${verdict.message}`, { retry: false })
    return
  }
  if (endpoint.name === 'models') {
    await send(request, { body: undefined, model: '', stream: false })
    return
  }
  const read = await readBody(req, { timeoutMs: limits.bodyTimeoutMs, reserve: load.reserve })
  if (!read.ok) return refuseBody(res, read.why)
  const judged = judgeBody(read.body, attempt)
  if (!judged.ok) {
    const denied = judged.kind === 'denied'
    const type = denied ? 'permission_error' : 'invalid_request_error'
    sendApiError(res, denied ? 403 : 400, type, judged.message, { retry: false })
    if (denied) options.onDenied?.(attempt, { what: `POST ${endpoint.path}`, reason: judged.message })
    return
  }
  await send(request, { body: read.body, model: judged.model, stream: judged.stream })
}

async function send(
  { req, res, attempt, startedMs, endpoint, limits, dispatcher, options }: AdmittedRequest,
  message: { body: Buffer | undefined; model: string; stream: boolean },
): Promise<void> {
  const key = await options.keys.forOrganization(attempt.organizationId)
  if (!key) {
    refuseWithoutKey(res)
    options.onUpstreamAuthFailure?.(attempt)
    return
  }
  await exchangeWithClaude({
    req,
    res,
    attempt,
    startedMs,
    endpoint,
    key,
    limits,
    dispatcher,
    ...message,
    url: upstreamUrl(key, endpoint.path),
    price: options.price ?? priceRequest,
    record: options.ledger.record,
    onUpstreamAuthFailure: options.onUpstreamAuthFailure,
    onUpstreamBusy: options.onUpstreamBusy,
    log: options.log,
  })
}

/** `https://host/prefix/` and `/v1/messages` → `https://host/prefix/v1/messages`. */
const upstreamUrl = ({ baseUrl }: ClaudeKey, path: string): string => {
  const base = new URL(baseUrl)
  return `${base.origin}${base.pathname.replace(/\/+$/, '')}${path}`
}

function refuseWithoutKey(res: ServerResponse): void {
  const message =
    'claude_auth: FlowForge has no key for the Claude API. Set ANTHROPIC_API_KEY where the worker runs.'
  sendApiError(res, 401, 'authentication_error', message, { retry: false })
}

function refuseFlood(res: ServerResponse): void {
  const message = 'Too many requests of this job to Claude are open at a time.'
  sendApiError(res, 429, 'rate_limit_error', message, { retry: true, headers: { 'retry-after': '2' } })
}

function refuseBody(res: ServerResponse, why: Extract<ReadBody, { ok: false }>['why']): void {
  if (why === 'closed') return
  // What the client has still to send would be read as its next request.
  const headers = { connection: 'close' }
  if (why === 'too_slow') {
    sendApiError(res, 408, 'invalid_request_error', 'The body took too long.', { retry: true, headers })
  } else {
    sendApiError(res, 413, 'request_too_large', 'The body is too large.', { retry: false, headers })
  }
}

interface Load {
  /** Takes room for a part of the request's body. */
  reserve(bytes: number): boolean
  leave(): void
}

/** What each attempt has in flight, so that one can't fill the gateway's memory. */
function createLoads(limits: ClaudeLimits) {
  const perAttempt = new Map<string, { requests: number; bytes: number }>()
  return {
    enter({ attemptId }: GatewayAttempt): Load | undefined {
      const total = perAttempt.get(attemptId) ?? { requests: 0, bytes: 0 }
      if (total.requests >= limits.maxConcurrentRequests) return undefined
      total.requests++
      perAttempt.set(attemptId, total)
      let own = 0
      return {
        reserve(bytes) {
          own += bytes
          total.bytes += bytes
          return own <= limits.maxBodyBytes && total.bytes <= limits.maxBufferedBytes
        },
        leave() {
          total.requests--
          total.bytes -= own
          if (total.requests === 0) perAttempt.delete(attemptId)
        },
      }
    },
  }
}

/** Kept alive over a turn's tool calls: a new TLS connection costs more than all the rest of the gateway. */
const createPool = (limits: ClaudeLimits): Dispatcher =>
  new Agent({
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: 60_000,
    connect: { timeout: limits.connectTimeoutMs },
  })
