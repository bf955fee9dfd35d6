// One request to the upstream and its answer on the way back, counted as it passes and written down once, however it
// ends. Must not know what is allowed: that was decided before.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Dispatcher, errors, request as requestUpstream } from 'undici'
import type { ClaudeKey } from '../claude/keys.ts'
import { NO_TOKENS, type priceRequest, type TokenUsage } from '../claude/pricing.ts'
import { type CountedUsage, createUsageCounter } from '../claude/usage.ts'
import type { GatewayAttempt } from './attempt.ts'
import type { GatewayLog } from './attempt-server.ts'
import type { ClaudeOutcome, RecordClaudeUsage } from './claude-ledger.ts'
import { type ClaudeEndpoint, clientHeaders, upstreamHeaders } from './claude-request.ts'
import { sendApiError } from './refusal.ts'
import { within } from './within.ts'

export interface ClaudeExchange {
  req: IncomingMessage
  res: ServerResponse
  attempt: GatewayAttempt
  startedMs: number
  endpoint: { name: ClaudeEndpoint }
  url: string
  key: ClaudeKey
  /** Goes on as it came, byte for byte. */
  body: Buffer | undefined
  model: string
  stream: boolean
  limits: { idleTimeoutMs: number; wholeAnswerTimeoutMs: number }
  dispatcher: Dispatcher
  price: typeof priceRequest
  record: RecordClaudeUsage
  onUpstreamAuthFailure: ((attempt: GatewayAttempt) => void) | undefined
  onUpstreamBusy: ((attempt: GatewayAttempt, retryAfterMs: number) => void) | undefined
  log: GatewayLog
}

type Answer = Dispatcher.ResponseData

/** What is known of the exchange so far; written down at its end. */
interface Progress {
  status: number
  outcome: ClaudeOutcome
  timeToFirstByteMs: number | undefined
  requestId: string | undefined
  scripted: boolean
  counted: CountedUsage | undefined
}

const MAX_ERROR_BODY_BYTES = 256 * 1024
/** An answer's end waits for the ledger, but not for ever. */
const MAX_RECORD_MS = 5_000
/** A connection that had been closed shows it at once; what fails later may have been worked on, and billed. */
const CLOSED_WITHIN_MS = 1_000
const OVERLOADED = 529
/** Nobody was answered; the number that proxies use for it. */
const CLIENT_CLOSED = 499

export async function exchangeWithClaude(exchange: ClaudeExchange): Promise<void> {
  const { res, log } = exchange
  const progress: Progress = {
    status: 0,
    outcome: 'completed',
    timeToFirstByteMs: undefined,
    requestId: undefined,
    scripted: false,
    counted: undefined,
  }
  const clientGone = new AbortController()
  const onClose = () => clientGone.abort()
  res.on('close', onClose)
  if (res.destroyed) clientGone.abort()

  let finish: () => void = () => {}
  try {
    const answer = await askUpstream(exchange, clientGone.signal)
    finish = await passOn(exchange, answer, progress)
  } catch (error) {
    progress.outcome = clientGone.signal.aborted ? 'client_closed' : outcomeOf(error, res.headersSent)
    if (!res.headersSent) progress.status = clientGone.signal.aborted ? CLIENT_CLOSED : OVERLOADED
    finish = () => answerFailure(exchange, error, progress)
    if (progress.outcome !== 'client_closed') {
      log.warn(
        { err: error, attemptId: exchange.attempt.attemptId, outcome: progress.outcome },
        'Claude API failed',
      )
    }
  }
  res.off('close', onClose)
  await writeDown(exchange, progress)
  finish()
}

async function askUpstream(exchange: ClaudeExchange, signal: AbortSignal): Promise<Answer> {
  const { limits, stream } = exchange
  const ask = () =>
    requestUpstream(exchange.url, {
      method: exchange.body ? 'POST' : 'GET',
      headers: upstreamHeaders(exchange.req.headers, exchange.key, exchange.body),
      body: exchange.body ?? null,
      dispatcher: exchange.dispatcher,
      signal,
      headersTimeout: stream ? limits.idleTimeoutMs : limits.wholeAnswerTimeoutMs,
      bodyTimeout: limits.idleTimeoutMs,
    })
  const askedMs = performance.now()
  try {
    return await ask()
  } catch (error) {
    // The upstream closed a kept-alive connection just when it was chosen: nothing was read there, so ask once more.
    const atOnce = performance.now() - askedMs < CLOSED_WITHIN_MS
    if (signal.aborted || !atOnce || !isClosedConnection(error)) throw error
    return await ask()
  }
}

/** RFC 9110, 10.2.3, in seconds; Anthropic does not send dates. */
function retryAfterOf({ headers }: Answer): number | undefined {
  const seconds = Number(single(headers['retry-after']) ?? Number.NaN)
  return seconds >= 0 ? seconds * 1000 : undefined
}

/** Sends the answer on; what it returns ends the response, once the usage is written down. */
async function passOn(exchange: ClaudeExchange, answer: Answer, progress: Progress): Promise<() => void> {
  const { res, key, attempt } = exchange
  progress.status = answer.statusCode
  progress.requestId = single(answer.headers['request-id'])
  progress.scripted = answer.headers['x-scripted-model'] !== undefined
  progress.timeToFirstByteMs = performance.now() - exchange.startedMs

  if (answer.statusCode >= 400) {
    progress.outcome = 'upstream_error'
    const body = await readErrorBody(answer, key)
    if (answer.statusCode === 401) {
      exchange.onUpstreamAuthFailure?.(attempt)
      return () => answerAuthFailure(res)
    }
    const retryAfterMs = retryAfterOf(answer)
    if (retryAfterMs !== undefined) exchange.onUpstreamBusy?.(attempt, retryAfterMs)
    const headers = clientHeaders(answer.headers, key)
    return () => {
      res.writeHead(answer.statusCode, { ...headers, 'content-length': body.length })
      res.end(body)
    }
  }
  res.writeHead(answer.statusCode, clientHeaders(answer.headers, key))
  res.flushHeaders()
  await relay(exchange, answer, progress)
  return () => res.end()
}

async function relay(exchange: ClaudeExchange, answer: Answer, progress: Progress): Promise<void> {
  const { res, attempt, endpoint, log } = exchange
  const isStream = single(answer.headers['content-type'])?.includes('text/event-stream') === true
  if ((single(answer.headers['content-encoding']) ?? 'identity') !== 'identity') {
    log.warn(
      { attemptId: attempt.attemptId },
      'the Claude API compressed an answer unasked: it is not counted',
    )
  }
  const counter = endpoint.name === 'messages' ? createUsageCounter(isStream ? 'stream' : 'json') : undefined
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      const hasRoom = res.write(chunk)
      counter?.push(chunk)
      if (!hasRoom) await drained(res)
    }
  } finally {
    progress.counted = counter?.finish()
    if (progress.counted?.streamError !== undefined) progress.outcome = 'upstream_error'
  }
}

/** Resolves on 'close', too: the loop then fails by itself, since closing aborts the upstream. */
function drained(res: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      res.off('drain', done).off('close', done)
      resolve()
    }
    res.on('drain', done).on('close', done)
    if (res.destroyed) done()
  })
}

async function writeDown(exchange: ClaudeExchange, progress: Progress): Promise<void> {
  const { attempt, endpoint, price, record, log } = exchange
  const { counted, ...seen } = progress
  const model = counted?.model ?? exchange.model
  const bill = sumUp(price, model, counted)
  try {
    const recorded = record({
      attempt,
      endpoint: endpoint.name,
      model,
      ...bill,
      ...seen,
      estimated: counted?.estimated ?? false,
      durationMs: performance.now() - exchange.startedMs,
    })
    await within(MAX_RECORD_MS, Promise.resolve(recorded))
  } catch (error) {
    log.error(
      { err: error, attemptId: attempt.attemptId, model, ...bill },
      'usage of Claude could not be recorded',
    )
  }
}

function sumUp(price: typeof priceRequest, model: string, counted: CountedUsage | undefined) {
  const bill = { tokens: { ...NO_TOKENS }, costUsd: 0, priceKnown: true }
  const parts = counted ? [{ model, tokens: counted.tokens }, ...counted.extras] : []
  for (const part of parts) {
    const cost = price(part.model ?? model, part.tokens, counted?.conditions)
    bill.costUsd += cost.costUsd
    bill.priceKnown &&= cost.priceKnown
    for (const name of Object.keys(bill.tokens) as (keyof TokenUsage)[])
      bill.tokens[name] += part.tokens[name]
  }
  return bill
}

function outcomeOf(error: unknown, answering: boolean): ClaudeOutcome {
  if (error instanceof errors.BodyTimeoutError || error instanceof errors.HeadersTimeoutError) {
    return 'upstream_stalled'
  }
  return answering ? 'upstream_cut' : 'upstream_unreachable'
}

/** Claude Code retries a 529 with growing pauses, up to its limit, and shows the message when it gives up. */
function answerFailure({ res, url }: ClaudeExchange, error: unknown, progress: Progress): void {
  if (res.destroyed) return
  if (res.headersSent) {
    // A clean end would make half an answer look whole.
    res.destroy()
    return
  }
  const why =
    progress.outcome === 'upstream_stalled' ? 'did not answer in time' : `is unreachable${codeOf(error)}`
  const message = `claude_unavailable: the Claude API at ${new URL(url).host} ${why}.`
  sendApiError(res, OVERLOADED, 'overloaded_error', message, { retry: true })
}

/** In our words: an upstream's own may repeat the key it refused. */
function answerAuthFailure(res: ServerResponse): void {
  const message =
    "claude_auth: the Claude API refused FlowForge's key. Whoever runs FlowForge has to set a valid ANTHROPIC_API_KEY."
  sendApiError(res, 401, 'authentication_error', message, { retry: false })
}

async function readErrorBody(answer: Answer, key: ClaudeKey): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_ERROR_BODY_BYTES) break
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  if (!body.includes(key.apiKey)) return body
  return Buffer.from(body.toString('utf8').replaceAll(key.apiKey, '[key]'))
}

const isClosedConnection = (error: unknown): boolean =>
  error instanceof errors.SocketError || codeOf(error).includes('ECONNRESET')

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? ` (${code})` : ''
}

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value
