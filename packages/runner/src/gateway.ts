// The runner API as functions: JSON over the gateway's socket with the attempt's token. What the gateway refuses becomes
// a GatewayRefusal; what is only away is tried again by the caller that can wait.
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CommandList,
  type DeltaBatch,
  type EventBatch,
  EventBatchAccepted,
  GATEWAY_PATHS,
  MAX_SESSION_BYTES,
  RunnerApiError,
  type RunnerCommand,
  type SettleReport,
  WorkOrder,
  type WorkOrderRequest,
} from '@flowforge/protocol'
import { dial, type GatewayAddress } from './dial.ts'

/** The gateway answered, and said no. */
export class GatewayRefusal extends Error {
  readonly status: number
  readonly code: RunnerApiError['code'] | undefined
  /** With `source_seq_gap`: the number that the gateway wants next. */
  readonly expected: number | undefined

  constructor(status: number, problem: RunnerApiError | undefined, text: string) {
    super(problem?.message ?? `The gateway answered ${status}: ${text.slice(0, 500)}`)
    this.name = 'GatewayRefusal'
    this.status = status
    this.code = problem?.code
    this.expected = problem?.expected
  }
}

/** The attempt is no longer ours; nothing that we say counts any more. */
export const isLeaseLost = (error: unknown): error is GatewayRefusal =>
  error instanceof GatewayRefusal &&
  (error.code === 'token_invalid' || error.code === 'lease_lost' || error.status === 401)

/** Worth another try: a broken or stalled connection, a gateway that is overloaded or starting. */
export const isTransient = (error: unknown): boolean => {
  if (error instanceof GatewayRefusal) return error.status >= 500 || error.status === 429
  // Errors of the system and of HTTP carry a code; an answer that has the wrong form does not.
  return error instanceof Error && 'code' in error
}

export interface Gateway {
  workOrder(request: WorkOrderRequest, signal: AbortSignal): Promise<WorkOrder>
  events(batch: string, signal: AbortSignal): Promise<{ acceptedThrough: number }>
  deltas(batch: DeltaBatch, signal: AbortSignal): Promise<void>
  commands(after: number, signal: AbortSignal): Promise<RunnerCommand[]>
  saveSession(
    session: { sessionId: string; through: number; archive: Buffer },
    signal: AbortSignal,
  ): Promise<void>
  /** What an earlier attempt saved; undefined: nothing. */
  loadSession(signal: AbortSignal): Promise<Buffer | undefined>
  settle(report: SettleReport, signal: AbortSignal): Promise<void>
}

/** The text of an EventBatch, from events that are JSON already: they are kept as lines and never parsed again. */
export const eventBatchText = (batch: Omit<EventBatch, 'events'> & { lines: readonly string[] }): string =>
  `{"source":${JSON.stringify(batch.source)},"firstSourceSeq":${batch.firstSourceSeq},"events":[${batch.lines.join(',')}]}`

const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const REQUEST_TIMEOUT_MS = 30_000
/** The gateway answers a long poll after at most 25 s. */
const POLL_TIMEOUT_MS = 40_000

type Body = string | Buffer | undefined

interface CallLimits {
  signal: AbortSignal
  timeoutMs: number
  maxBytes: number
}

const SESSION_LIMITS = { timeoutMs: 5 * 60_000, maxBytes: MAX_SESSION_BYTES }

const readBody = async (response: IncomingMessage, maxBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`The gateway answered with more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const parseProblem = (text: string): RunnerApiError | undefined => {
  try {
    return RunnerApiError.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

export const createGateway = (options: {
  address: GatewayAddress
  token: string
  /** How long one call waits for a gateway that is away, before it fails. */
  patienceMs: number
}): Gateway => {
  const { address, token, patienceMs } = options
  // Node's own agents can't wait for a socket that does not exist yet, so idle connections are kept here.
  const idle: Socket[] = []

  const takeIdle = (): Socket | undefined => {
    for (let socket = idle.pop(); socket; socket = idle.pop()) {
      socket.removeAllListeners('error')
      if (!socket.destroyed && socket.writable) return socket
    }
    return undefined
  }
  const giveBack = (socket: Socket) => {
    if (socket.destroyed || idle.length >= 4) return void socket.destroy()
    socket.removeAllListeners('timeout')
    socket.on('error', () => socket.destroy())
    idle.push(socket)
  }

  const exchange = (
    method: string,
    path: string,
    body: Body,
    { socket, signal, timeoutMs, maxBytes }: CallLimits & { socket: Socket },
  ): Promise<{ status: number; answer: Buffer; reusable: boolean }> =>
    new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = {
        host: 'gateway',
        authorization: `Bearer ${token}`,
        connection: 'keep-alive',
      }
      if (body !== undefined) {
        headers['content-type'] = typeof body === 'string' ? 'application/json' : 'application/octet-stream'
        headers['content-length'] = Buffer.byteLength(body)
      }
      const request = httpRequest({
        method,
        path,
        headers,
        createConnection: () => socket,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      request.once('error', reject)
      request.once('response', response => {
        const reusable = response.headers.connection !== 'close'
        readBody(response, maxBytes).then(
          answer => resolve({ status: response.statusCode ?? 0, answer, reusable }),
          reject,
        )
      })
      request.end(body)
    })

  const fetchBytes = async (
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body: Body,
    limits: CallLimits,
  ): Promise<Buffer> => {
    const { signal } = limits
    const callOn = async (socket: Socket): Promise<Buffer> => {
      const { status, answer, reusable } = await exchange(method, path, body, {
        ...limits,
        socket,
      }).catch(error => {
        socket.destroy()
        throw error
      })
      if (reusable) giveBack(socket)
      else socket.destroy()
      if (status >= 200 && status < 300) return answer
      const text = answer.toString('utf8')
      throw new GatewayRefusal(status, parseProblem(text), text)
    }
    const kept = takeIdle()
    try {
      return await callOn(kept ?? (await dial(address, { patienceMs, signal })))
    } catch (error) {
      // The gateway may have closed the idle connection just then. Every call is safe to repeat.
      if (!kept || error instanceof GatewayRefusal || signal.aborted) throw error
      return await callOn(await dial(address, { patienceMs, signal }))
    }
  }

  const call = async (
    method: 'GET' | 'POST',
    path: string,
    body: string | undefined,
    signal: AbortSignal,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<unknown> => {
    const answer = await fetchBytes(method, path, body, { signal, timeoutMs, maxBytes: MAX_ANSWER_BYTES })
    return answer.length === 0 ? undefined : JSON.parse(answer.toString('utf8'))
  }

  return {
    workOrder: async (request, signal) =>
      WorkOrder.parse(await call('POST', GATEWAY_PATHS.workOrder, JSON.stringify(request), signal)),
    events: async (batch, signal) =>
      EventBatchAccepted.parse(await call('POST', GATEWAY_PATHS.events, batch, signal)),
    deltas: async (batch, signal) => {
      await call('POST', GATEWAY_PATHS.deltas, JSON.stringify(batch), signal)
    },
    commands: async (after, signal) => {
      const path = `${GATEWAY_PATHS.commands}?after=${after}`
      return CommandList.parse(await call('GET', path, undefined, signal, POLL_TIMEOUT_MS)).commands
    },
    saveSession: async ({ sessionId, through, archive }, signal) => {
      const path = `${GATEWAY_PATHS.session}?session=${sessionId}&through=${through}`
      await fetchBytes('PUT', path, archive, { signal, ...SESSION_LIMITS })
    },
    loadSession: async signal => {
      try {
        return await fetchBytes('GET', GATEWAY_PATHS.session, undefined, { signal, ...SESSION_LIMITS })
      } catch (error) {
        if (error instanceof GatewayRefusal && error.status === 404) return undefined
        throw error
      }
    },
    settle: async (report, signal) => {
      await call('POST', GATEWAY_PATHS.settle, JSON.stringify(report), signal)
    },
  }
}

const FIRST_DELAY_MS = 50
const MAX_DELAY_MS = 2000

/** Repeats while the gateway is away or says 5xx, for at most `patienceMs`. */
export const persist = async <T>(
  act: () => Promise<T>,
  { patienceMs, signal }: { patienceMs: number; signal: AbortSignal },
): Promise<T> => {
  const deadline = performance.now() + patienceMs
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)) {
    try {
      return await act()
    } catch (error) {
      if (signal.aborted || !isTransient(error) || performance.now() + delayMs > deadline) throw error
      await sleep(delayMs, undefined, { signal })
    }
  }
}
