// The stage for the gateway's tests: an attempt, its socket, a client inside and an upstream outside, all on real sockets.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { GatewayAttempt } from './attempt.ts'
import type { AttemptServerOptions, GatewayHandlers } from './attempt-server.ts'
import { type AttemptSocket, openAttemptSocket } from './attempt-socket.ts'
import { type ClaudeProxyOptions, createClaudeProxy } from './claude.ts'
import type { ClaudeUsageEntry } from './claude-ledger.ts'

export const TOKEN = 'token-of-this-attempt'
export const REAL_KEY = 'sk-real-key-of-the-organization'

export const silentLog = { warn: () => {}, error: () => {} }

export function makeAttempt(overrides: Partial<GatewayAttempt> = {}): GatewayAttempt & { end: () => void } {
  const lease = new AbortController()
  return {
    attemptId: 'attempt-1',
    jobId: 'job-1',
    organizationId: 'organization-1',
    repositoryId: 'repository-1',
    repositoryName: 'sample',
    number: 1,
    phase: 'agent',
    token: TOKEN,
    branch: 'flowforge/1',
    baseCommit: '0'.repeat(40),
    allowedModels: [],
    egressAllow: [],
    signal: lease.signal,
    ...overrides,
    end: () => lease.abort(),
  }
}

const unexpected = () => {
  throw new Error('This handler is not part of the test.')
}
export const noHandlers: GatewayHandlers = {
  runner: unexpected,
  claude: unexpected,
  git: unexpected,
  egress: { connect: unexpected, forward: unexpected },
}

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ff-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export async function openSocket(
  options: Partial<Omit<AttemptServerOptions, 'handlers'>> & {
    directory?: string
    handlers?: Partial<GatewayHandlers>
  },
): Promise<AttemptSocket> {
  const socket = await openAttemptSocket({
    directory: join(await temporaryDirectory(), 'a'),
    attempt: makeAttempt(),
    log: silentLog,
    ...options,
    handlers: { ...noHandlers, ...options.handlers },
  })
  onTestFinished(() => socket.remove())
  return socket
}

export interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  text: string
}

export interface Ask {
  method?: string
  path: string
  headers?: Record<string, string | string[]>
  body?: string | Buffer
}

/** A request over the attempt's socket, with its token unless other headers are given. */
export function ask(socketPath: string, { method = 'GET', path, headers, body }: Ask): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const req = request(
      {
        socketPath,
        method,
        path,
        headers: headers ?? { authorization: `Bearer ${TOKEN}` },
        agent: false,
      },
      async res => {
        const chunks: Buffer[] = []
        try {
          for await (const chunk of res) chunks.push(chunk as Buffer)
        } catch (error) {
          return reject(error)
        }
        const whole = Buffer.concat(chunks)
        resolve({ status: res.statusCode!, headers: res.headers, body: whole, text: whole.toString() })
      },
    )
    req.on('error', reject)
    req.end(body)
  })
}

/** Bytes as they are: for what no HTTP client would send. Resolves with all that came until the other side closed. */
export async function sendRaw(socketPath: string, bytes: string | Buffer): Promise<string> {
  const socket = connect(socketPath)
  socket.write(bytes)
  return readToEnd(socket)
}

export async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk)).on('error', () => {})
  await new Promise<void>(resolve => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
  return Buffer.concat(chunks).toString()
}

export interface Upstream {
  url: string
  port: number
  requests: { method: string; url: string; headers: IncomingHttpHeaders; body: Buffer }[]
  /** Requests whose connection was closed before the answer was finished. */
  aborted: number
}

/** A peer on loopback that records what it is asked. */
export async function startUpstream(
  answer: (res: ServerResponse, req: IncomingMessage, body: Buffer) => void,
): Promise<Upstream> {
  const upstream: Upstream = { url: '', port: 0, requests: [], aborted: 0 }
  const server = createServer(async (req, res) => {
    res.on('close', () => {
      if (!res.writableFinished) upstream.aborted++
    })
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    upstream.requests.push({ method: req.method!, url: req.url!, headers: req.headers, body })
    answer(res, req, body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  upstream.port = (server.address() as AddressInfo).port
  upstream.url = `http://127.0.0.1:${upstream.port}`
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return upstream
}

/** A Claude proxy behind an attempt's socket, and what it reports. */
export async function openClaude(
  upstreamUrl: string,
  options: Partial<ClaudeProxyOptions> & { attempt?: GatewayAttempt } = {},
) {
  const ledger: ClaudeUsageEntry[] = []
  const denied: { what: string; reason: string }[] = []
  const authFailures: string[] = []
  const attempt = options.attempt ?? makeAttempt()
  const proxy = createClaudeProxy({
    keys: { forOrganization: async () => ({ baseUrl: upstreamUrl, apiKey: REAL_KEY }) },
    ledger: { record: entry => void ledger.push(entry) },
    log: silentLog,
    onDenied: (_, denial) => denied.push(denial),
    onUpstreamAuthFailure: failed => authFailures.push(failed.attemptId),
    ...options,
  })
  const { socketPath } = await openSocket({ attempt, handlers: { claude: proxy.handle } })
  onTestFinished(() => proxy.close())
  return { socketPath, attempt, ledger, denied, authFailures }
}

/** One server-sent event as the Messages API writes it. */
export const sse = (type: string, data: Record<string, unknown>): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`

export const messageStart = (usage: Record<string, unknown>, model = 'claude-sonnet-4-5-20250929'): string =>
  sse('message_start', { message: { id: 'msg_1', type: 'message', role: 'assistant', model, usage } })
