// The HTTP server behind one attempt's socket: authorises every request by the attempt's token, refuses all once the
// lease is gone, and hands the rest to a handler by path. Must not know what the handlers do.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { GatewayAttempt } from './attempt.ts'
import { createTokenCheck } from './credential.ts'
import {
  endSocket,
  type GatewayProtocol,
  LEASE_LOST,
  NOT_FOUND,
  type Refusal,
  refuse,
  refuseTunnel,
  TOKEN_INVALID,
  UNAVAILABLE,
  UNCLEAR_LENGTH,
} from './refusal.ts'
import { reportOnce } from './repeats.ts'

/** `rest` is what follows the handler's prefix, with the query: `/v1/messages?beta=true`. Rejections become a 500. */
export type GatewayHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  attempt: GatewayAttempt,
  rest: string,
) => Promise<void> | void

export interface EgressHandler {
  /** CONNECT. Owns the socket from here on. */
  connect(req: IncomingMessage, socket: Duplex, head: Buffer, attempt: GatewayAttempt): Promise<void> | void
  /** A request in absolute form: `GET http://host/path`. */
  forward(req: IncomingMessage, res: ServerResponse, attempt: GatewayAttempt): Promise<void> | void
}

export interface GatewayHandlers {
  runner: GatewayHandler
  claude: GatewayHandler
  git: GatewayHandler
  egress: EgressHandler
}

/** Something a container tried and may not do; becomes the event `policy.denied`. */
export type OnDenied = (attempt: GatewayAttempt, denial: { what: string; reason: string }) => void

export type GatewayLog = Pick<Logger, 'warn' | 'error'>

export interface AttemptServerLimits {
  maxConnections: number
  maxHeaderBytes: number
  /** Until the last byte of the headers. */
  headersTimeoutMs: number
  /** Until the last byte of the body; a large push of Git needs its time. */
  requestTimeoutMs: number
  /** How long an idle connection is kept; clients inside think for minutes between two requests. */
  keepAliveTimeoutMs: number
  /** How often the two timeouts above are looked at. */
  checkIntervalMs: number
}

const DEFAULT_LIMITS: AttemptServerLimits = {
  maxConnections: 256,
  maxHeaderBytes: 32 * 1024,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 30 * 60_000,
  keepAliveTimeoutMs: 5 * 60_000,
  checkIntervalMs: 5_000,
}

export interface AttemptServerOptions {
  attempt: GatewayAttempt
  handlers: GatewayHandlers
  log: GatewayLog
  onDenied?: OnDenied
  limits?: Partial<AttemptServerLimits>
}

export interface AttemptServer {
  server: Server
  /** Stops listening and ends every connection. */
  close(): Promise<void>
}

export function createAttemptServer(options: AttemptServerOptions): AttemptServer {
  const { attempt } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    // A lenient parser is how two servers come to disagree about where a request ends.
    insecureHTTPParser: false,
    requireHostHeader: true,
  })
  server.maxConnections = limits.maxConnections
  answerRequests(server, options)
  answerMalformedRequests(server)
  const connections = trackConnections(server)

  // Open streams end with the lease; who asks again is told so, as long as the socket is there.
  const endAll = () => connections.destroyAll()
  attempt.signal.addEventListener('abort', endAll)
  return {
    server,
    close: () =>
      new Promise(resolve => {
        attempt.signal.removeEventListener('abort', endAll)
        server.close(() => resolve())
        connections.destroyAll()
      }),
  }
}

function answerRequests(server: Server, { attempt, handlers, log, onDenied }: AttemptServerOptions): void {
  const holdsToken = createTokenCheck(attempt.token)
  const report = reportOnce(onDenied)
  const check = (req: IncomingMessage, { protocol }: Route): Refusal | undefined => {
    if (!hasClearLength(req)) return UNCLEAR_LENGTH
    const authorised = protocol === 'egress' ? holdsToken.proxy(req.headers) : holdsToken.origin(req.headers)
    if (!authorised) {
      // Proxy and Git clients ask without credentials first and answer the challenge: nothing to tell a person.
      if (presentsCredential(req)) {
        report(attempt, { what: `${protocol} request`, reason: TOKEN_INVALID.message })
      }
      return TOKEN_INVALID
    }
    return attempt.signal.aborted ? LEASE_LOST : undefined
  }

  server.on('request', async (req, res) => {
    const route = findRoute(req.url ?? '')
    try {
      const refusal = check(req, route)
      if (refusal) refuse(res, route.protocol, refusal)
      else if (route.protocol === 'none') refuse(res, 'none', NOT_FOUND)
      else if (route.protocol === 'egress') await handlers.egress.forward(req, res, attempt)
      else await handlers[route.protocol](req, res, attempt, route.rest)
    } catch (error) {
      log.error(
        { err: error, attemptId: attempt.attemptId, protocol: route.protocol },
        'gateway request failed',
      )
      refuse(res, route.protocol, UNAVAILABLE)
    }
  })

  server.on('connect', async (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    try {
      const refusal = check(req, { protocol: 'egress', rest: '' })
      if (refusal) refuseTunnel(socket, refusal)
      else await handlers.egress.connect(req, socket, head, attempt)
    } catch (error) {
      log.error({ err: error, attemptId: attempt.attemptId, protocol: 'connect' }, 'gateway tunnel failed')
      socket.destroy()
    }
  })
}

interface Route {
  protocol: GatewayProtocol
  rest: string
}

/** Exact prefixes of the raw target: nothing is decoded or normalised, so nothing can be spelled around. */
function findRoute(target: string): Route {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return { protocol: 'egress', rest: target }
  const match = /^\/(runner|claude|git)(\/.*)$/.exec(target)
  return match
    ? { protocol: match[1] as 'runner' | 'claude' | 'git', rest: match[2]! }
    : { protocol: 'none', rest: target }
}

/** The parser lets unknown codings pass as far as the handler; where such a body ends is anyone's guess. */
const hasClearLength = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] === undefined || headers['transfer-encoding'].toLowerCase() === 'chunked'

const presentsCredential = ({ headers }: IncomingMessage): boolean =>
  ['authorization', 'x-api-key', 'proxy-authorization'].some(name => headers[name] !== undefined)

function answerMalformedRequests(server: Server): void {
  const answering = new WeakSet<Duplex>()
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    const { socket } = req
    answering.add(socket)
    res.once('close', () => answering.delete(socket))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // A status line in the middle of another answer would be read as part of it.
    if (answering.has(socket) || error.code === 'ECONNRESET') socket.destroy()
    else
      endSocket(
        socket,
        `HTTP/1.1 ${malformedStatus(error.code)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      )
  })
}

function malformedStatus(code: string | undefined): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout'
    default:
      return '400 Bad Request'
  }
}

/** The server forgets a socket when it becomes a tunnel; the lease must end that one, too. */
function trackConnections(server: Server) {
  const open = new Set<Duplex>()
  server.on('connection', (socket: Duplex) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return {
    destroyAll: () => {
      for (const socket of open) socket.destroy()
    },
  }
}
