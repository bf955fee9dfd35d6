// The runner's way to report: order, events, deltas, commands, session, settle. What comes in is a claim of a container that is
// assumed hostile: bounded, checked against its schema, limited to its attempt and fenced by the holder's epoch.
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  DeltaBatch,
  EventBatch,
  MAX_BATCH_BYTES,
  RUNNER_PROTOCOL_VERSION,
  type RunnerApiError,
  SettleReport,
  type WorkOrder,
  WorkOrderRequest,
} from '@flowforge/protocol'
import type { z } from 'zod'
import { isFlowForgeError } from '../errors.ts'
import type { GatewayAttempt } from './attempt.ts'
import type { GatewayHandler } from './attempt-server.ts'
import { readBody } from './read-body.ts'
import { giveSession, type SessionFiles, takeSession } from './session-transfer.ts'

/** What the runner API writes and reads; jobs/ and store/ stand behind it. Rejects with `lease_lost` once fenced. */
export interface RunnerRecords extends SessionFiles {
  /** The nonce that stands for this phase after the call. */
  bindNonce(attempt: GatewayAttempt, nonce: string): Promise<string>
  /** Stores what is new of a batch. `gap`: the first number that is missing. */
  appendEvents(
    attempt: GatewayAttempt,
    batch: EventBatch,
  ): Promise<{ acceptedThrough: number } | { gap: number }>
  sendDeltas(attempt: GatewayAttempt, batch: DeltaBatch): void
  /** Waits for commands after the given id, at most `waitMs`. */
  commandsAfter(attempt: GatewayAttempt, after: number, waitMs: number): Promise<unknown[]>
  saveReport(attempt: GatewayAttempt, report: SettleReport): Promise<void>
}

export interface RunnerApiOptions {
  records: RunnerRecords
  /** The order of this door; waits until there is one, undefined when `waitMs` passed without. */
  orderOf(attempt: GatewayAttempt, waitMs: number): Promise<WorkOrder | undefined>
  settled(attempt: GatewayAttempt, report: SettleReport): void
}

const BODY_TIMEOUT_MS = 60_000
const LONG_POLL_MS = 25_000

type Answer = { status: 200; body: unknown } | { status: 204 } | { status: number; error: RunnerApiError }

export function createRunnerApi(options: RunnerApiOptions): GatewayHandler {
  return async (req, res, attempt, rest) => {
    try {
      if (
        req.method === 'GET' &&
        pathOf(rest) === '/session' &&
        (await giveSession(options.records, res, attempt))
      )
        return
      send(res, await answer(options, req, attempt, rest))
    } catch (error) {
      // Nothing was stored, and the runner keeps it: it asks again.
      if (isFlowForgeError(error, 'database_unavailable') || isFlowForgeError(error, 'disk_full'))
        return send(res, refusal(503, 'unavailable', error.message))
      if (!isFlowForgeError(error, 'lease_lost')) throw error
      // The container goes on with another worker: it has to ask again, at the socket that stands there now.
      if (error.details.adopted === true)
        send(res.setHeader('connection', 'close'), refusal(503, 'unavailable', error.message))
      else send(res, refusal(403, 'lease_lost', error.message))
    }
  }
}

const pathOf = (rest: string): string => rest.split('?', 1)[0]!

async function answer(
  options: RunnerApiOptions,
  req: IncomingMessage,
  attempt: GatewayAttempt,
  rest: string,
): Promise<Answer> {
  const [path, query] = rest.split('?', 2)
  switch (`${req.method} ${path}`) {
    case 'POST /work-order':
      return withBody(req, WorkOrderRequest, request => giveOrder(options, attempt, request))
    case 'POST /events':
      return withBody(req, EventBatch, batch => takeEvents(options, attempt, batch))
    case 'POST /deltas':
      return withBody(req, DeltaBatch, async batch => {
        options.records.sendDeltas(attempt, batch)
        return { status: 204 }
      })
    case 'GET /commands': {
      const after = Number(new URLSearchParams(query).get('after') ?? 0)
      if (!Number.isSafeInteger(after) || after < 0)
        return refusal(400, 'bad_request', 'after: a whole number')
      return {
        status: 200,
        body: { commands: await options.records.commandsAfter(attempt, after, LONG_POLL_MS) },
      }
    }
    case 'PUT /session': {
      const taken = await takeSession(options.records, req, attempt, new URLSearchParams(query))
      if (taken.ok) return { status: 204 }
      return refusal(taken.status, taken.status === 413 ? 'too_large' : 'bad_request', taken.message)
    }
    case 'GET /session':
      return refusal(404, 'bad_request', 'No attempt of this job has saved a session.')
    case 'POST /settle':
      return withBody(req, SettleReport, async report => {
        await options.records.saveReport(attempt, report)
        options.settled(attempt, report)
        return { status: 204 }
      })
    default:
      return refusal(404, 'bad_request', 'The runner API has nothing at this address.')
  }
}

async function giveOrder(
  options: RunnerApiOptions,
  attempt: GatewayAttempt,
  request: WorkOrderRequest,
): Promise<Answer> {
  const { protocolVersion } = request
  if (protocolVersion > RUNNER_PROTOCOL_VERSION || protocolVersion < RUNNER_PROTOCOL_VERSION - 1) {
    return refusal(
      409,
      'protocol_version',
      `The runner speaks version ${protocolVersion}, this worker ${RUNNER_PROTOCOL_VERSION}: rebuild the agent image with script/setup.`,
    )
  }
  const order = await options.orderOf(attempt, LONG_POLL_MS)
  if (!order) return refusal(503, 'unavailable', 'There is no order yet; ask again.')
  const standing = await options.records.bindNonce(attempt, request.nonce)
  if (standing !== request.nonce) return refusal(409, 'nonce_mismatch', 'Another runner has this order.')
  return { status: 200, body: order }
}

async function takeEvents(
  { records }: RunnerApiOptions,
  attempt: GatewayAttempt,
  batch: EventBatch,
): Promise<Answer> {
  const result = await records.appendEvents(attempt, batch)
  if ('gap' in result)
    return refusal(409, 'source_seq_gap', `The next number of this source is ${result.gap}.`, result.gap)
  return { status: 200, body: result }
}

async function withBody<T>(
  req: IncomingMessage,
  schema: z.ZodType<T>,
  act: (body: T) => Promise<Answer>,
): Promise<Answer> {
  let room = MAX_BATCH_BYTES
  const read = await readBody(req, {
    timeoutMs: BODY_TIMEOUT_MS,
    reserve: bytes => {
      room -= bytes
      return room >= 0
    },
  })
  if (!read.ok)
    return refusal(
      read.why === 'too_large' ? 413 : 408,
      'too_large',
      `The body is over ${MAX_BATCH_BYTES} bytes, or too slow.`,
    )
  const parsed = schema.safeParse(parseJson(read.body))
  if (parsed.success) return act(parsed.data)
  const issue = parsed.error.issues[0]
  return refusal(400, 'bad_request', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not JSON'}`)
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

const refusal = (
  status: number,
  code: RunnerApiError['code'],
  message: string,
  expected?: number,
): Answer => ({
  status,
  error: { code, message, expected },
})

function send(res: ServerResponse, given: Answer): void {
  if (res.destroyed || res.headersSent) return
  const body = 'error' in given ? given.error : 'body' in given ? given.body : undefined
  res.writeHead(given.status, body === undefined ? {} : { 'content-type': 'application/json' })
  res.end(body === undefined ? undefined : JSON.stringify(body))
}
