// A gateway for the runner's tests: the protocol's words on a Unix socket, Git from a bare repository, Claude's API from a
// script. It checks what it is sent as strictly as the protocol says, and can be stopped and started again.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import {
  CommandList,
  DeltaBatch,
  EVENT_DATA,
  EventBatch,
  GATEWAY_PATHS,
  type RunnerApiError,
  type RunnerCommand,
  type RunnerEvent,
  SettleReport,
  type WorkOrder,
  WorkOrderRequest,
} from '@flowforge/protocol'

export interface SavedSession {
  sessionId: string
  through: number
  archive: Buffer
}

export interface TestGateway {
  events: RunnerEvent[]
  deltas: string[]
  settled: SettleReport[]
  /** What was saved, the newest last; may be filled before the start with what an earlier attempt left. */
  sessions: SavedSession[]
  /** Every request's path with its Authorization header. */
  requests: { path: string; authorization: string | undefined }[]
  problems: string[]
  command(command: DistributiveOmit<RunnerCommand, 'id'>): void
  /** From now on every call is refused like this. */
  refuse(status: number, code: RunnerApiError['code']): void
  /** While it is so, reports are cut off before anybody takes them. */
  loseReports(lose: boolean): void
  lostReports(): number
  listen(): Promise<void>
  /** Goes away as a crashed gateway does: connections cut, socket file gone. */
  vanish(): Promise<void>
  /** Resolves when `check` holds; looked at after each thing that comes in. */
  until(check: () => boolean): Promise<void>
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

export interface TestGatewayOptions {
  socketPath: string
  token: string
  order: WorkOrder
  bareRepository: string
  claude(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Refuses a push with this text. */
  rejectPush?: string
}

const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const reply = (response: ServerResponse, status: number, body?: unknown) => {
  if (body === undefined) response.writeHead(status).end()
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Git's own CGI program answers, as a web server would run it. */
const serveGit = (options: TestGatewayOptions, request: IncomingMessage, response: ServerResponse) => {
  const url = new URL(request.url ?? '/', 'http://gateway')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH ?? '',
      GIT_PROJECT_ROOT: options.bareRepository,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname.slice(GATEWAY_PATHS.git.length),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'attempt',
      REMOTE_ADDR: '127.0.0.1',
    },
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => {})
  let head = ''
  const onData = (chunk: Buffer) => {
    head += chunk.toString('latin1')
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    child.stdout.off('data', onData)
    const headers = head
      .slice(0, end)
      .split('\r\n')
      .map(line => line.split(': ') as [string, string])
    const status = headers.find(([name]) => name === 'Status')?.[1]
    response.writeHead(
      status ? Number.parseInt(status, 10) : 200,
      Object.fromEntries(headers.filter(([n]) => n !== 'Status')),
    )
    response.write(Buffer.from(head.slice(end + 4), 'latin1'))
    child.stdout.pipe(response)
  }
  child.stdout.on('data', onData)
}

export const createTestGateway = (options: TestGatewayOptions): TestGateway => {
  const events: RunnerEvent[] = []
  const deltas: string[] = []
  const settled: SettleReport[] = []
  const sessions: SavedSession[] = []
  const requests: TestGateway['requests'] = []
  const problems: string[] = []
  const commands: RunnerCommand[] = []
  const received = new Map<string, number>()
  let nonce: string | undefined
  let refusal: { status: number; code: RunnerApiError['code'] } | undefined
  let losesReports = false
  let lostReports = 0
  let watchers: (() => void)[] = []
  let server: Server | undefined
  const changed = () => {
    for (const watch of watchers) watch()
  }

  const until = (check: () => boolean) =>
    new Promise<void>(resolve => {
      const watch = () => {
        if (!check()) return
        watchers = watchers.filter(other => other !== watch)
        resolve()
      }
      watchers.push(watch)
      watch()
    })

  const takeEvents = (body: unknown, response: ServerResponse) => {
    const batch = EventBatch.parse(body)
    const expected = (received.get(batch.source) ?? 0) + 1
    if (batch.firstSourceSeq > expected)
      return reply(response, 409, { code: 'source_seq_gap', message: 'gap', expected })
    const fresh = batch.events.slice(expected - batch.firstSourceSeq)
    for (const event of fresh) {
      const data = EVENT_DATA[event.type].safeParse(event.data)
      if (!data.success) problems.push(`${event.type}: ${data.error.message}`)
      events.push(event)
    }
    received.set(batch.source, expected - 1 + fresh.length)
    return reply(response, 200, { acceptedThrough: expected - 1 + fresh.length })
  }

  const pollCommands = async (after: number, request: IncomingMessage, response: ServerResponse) => {
    const news = () => commands.filter(command => command.id > after)
    const gone = new Promise<void>(resolve => request.once('close', () => resolve()))
    await Promise.race([until(() => news().length > 0), gone])
    if (!response.destroyed) reply(response, 200, CommandList.parse({ commands: news() }))
  }

  const keepSession = async (url: URL, request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'GET') {
      if (!sessions.length) return reply(response, 404, { code: 'bad_request', message: 'none' })
      return void response.writeHead(200).end(sessions.at(-1)!.archive)
    }
    const archive = await readBody(request)
    const { session, through } = Object.fromEntries(url.searchParams)
    sessions.push({ sessionId: session ?? '', through: Number(through), archive })
    return reply(response, 204)
  }

  const runnerApi = async (path: string, request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(path, 'http://gateway')
    if (url.pathname === GATEWAY_PATHS.session) return await keepSession(url, request, response)
    if (url.pathname === GATEWAY_PATHS.commands)
      return await pollCommands(Number(url.searchParams.get('after')), request, response)
    const body: unknown = JSON.parse((await readBody(request)).toString('utf8'))
    switch (url.pathname) {
      case GATEWAY_PATHS.workOrder: {
        const asked = WorkOrderRequest.parse(body)
        nonce ??= asked.nonce
        if (nonce !== asked.nonce) return reply(response, 409, { code: 'nonce_mismatch', message: 'taken' })
        return reply(response, 200, options.order)
      }
      case GATEWAY_PATHS.events:
        return takeEvents(body, response)
      case GATEWAY_PATHS.deltas:
        deltas.push(...DeltaBatch.parse(body).deltas.map(delta => delta.text))
        return reply(response, 204)
      case GATEWAY_PATHS.settle:
        if (losesReports) {
          lostReports += 1
          return void request.socket.destroy()
        }
        settled.push(SettleReport.parse(body))
        return reply(response, 204)
      default:
        return reply(response, 404, { code: 'bad_request', message: 'no such path' })
    }
  }

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? ''
    const { authorization } = request.headers
    requests.push({ path, authorization })
    changed()
    if (refusal)
      return reply(response, refusal.status, { code: refusal.code, message: 'refused by the test' })
    if (authorization !== `Bearer ${options.token}`)
      return reply(response, 401, { code: 'token_invalid', message: `who is ${authorization}?` })
    if (path.startsWith('/runner/')) return await runnerApi(path, request, response)
    if (path.startsWith(`${GATEWAY_PATHS.claude}/`)) return await options.claude(request, response)
    if (path.startsWith(GATEWAY_PATHS.git)) return serveGit(options, request, response)
    return reply(response, 404)
  }

  const listen = async () => {
    const next = createServer((request, response) => {
      handle(request, response)
        .catch(error => {
          problems.push(`${request.url}: ${String(error)}`)
          if (!response.headersSent) reply(response, 400, { code: 'bad_request', message: String(error) })
        })
        .finally(changed)
    })
    // An egress proxy that lets everything through to itself: enough to see that tunnels pass the relay.
    next.on('connect', (request, socket) => {
      requests.push({ path: `CONNECT ${request.url}`, authorization: request.headers['proxy-authorization'] })
      const [host, port] = String(request.url).split(':')
      const target = connect(Number(port), host)
      target.once('connect', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.pipe(target).pipe(socket)
      })
      target.once('error', () => socket.destroy())
      socket.once('error', () => target.destroy())
      changed()
    })
    rmSync(options.socketPath, { force: true })
    await new Promise<void>(resolve => next.listen(options.socketPath, resolve))
    server = next
  }

  return {
    events,
    deltas,
    settled,
    sessions,
    requests,
    problems,
    command: command => {
      commands.push({ ...command, id: commands.length + 1 } as RunnerCommand)
      changed()
    },
    refuse: (status, code) => {
      refusal = { status, code }
    },
    loseReports: lose => {
      losesReports = lose
    },
    lostReports: () => lostReports,
    listen,
    vanish: async () => {
      const current = server
      server = undefined
      if (!current) return
      await new Promise<void>(resolve => {
        current.close(() => resolve())
        current.closeAllConnections()
      })
    },
    until,
  }
}
