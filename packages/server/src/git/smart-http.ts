// Git's smart HTTP protocol between a request and a Git process: https://git-scm.com/docs/http-protocol
// Knows neither who asks nor what they may do; that was decided before.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { isFlowForgeError } from '../errors.ts'
import type { GitSettings } from './environment.ts'
import { FLUSH, PacketError, pktLine } from './pkt-line.ts'
import { killGit, notStarted, runGit, spawnGit } from './run.ts'

export type GitService = 'upload-pack' | 'receive-pack'

export type GitRoute =
  | { kind: 'advertise'; service: GitService }
  | { kind: 'rpc'; service: GitService }
  | { kind: 'refused'; status: 400 | 403 | 404 | 405 | 415; message: string }

/** What a request asks for, from its method, its path after `….git`, and its query. */
export function routeGit(request: Pick<IncomingMessage, 'method' | 'headers'>, pathRest: string): GitRoute {
  const url = URL.parse(pathRest, 'http://git')
  const path = url?.pathname
  if (path === '/info/refs') {
    const service = serviceOf(url?.searchParams.get('service') ?? '')
    if (request.method !== 'GET') return refused(405, 'Only GET works here.')
    return service === null ? refused(403, DUMB_PROTOCOL) : { kind: 'advertise', service }
  }
  const service = serviceOf(path?.slice(1) ?? '')
  if (service === null) return refused(404, 'There is no such page in a Git repository.')
  if (request.method !== 'POST') return refused(405, 'Only POST works here.')
  const expected = `application/x-git-${service}-request`
  return request.headers['content-type'] === expected
    ? { kind: 'rpc', service }
    : refused(415, `Send ${expected}.`)
}

const DUMB_PROTOCOL = 'This Git client is too old: it does not speak the smart HTTP protocol.'

function serviceOf(text: string): GitService | null {
  return text === 'git-upload-pack' ? 'upload-pack' : text === 'git-receive-pack' ? 'receive-pack' : null
}

const refused = (status: Extract<GitRoute, { kind: 'refused' }>['status'], message: string): GitRoute => ({
  kind: 'refused',
  status,
  message,
})

export interface ServeOptions {
  /** The bare repository that is served. */
  repository: string
  settings: GitSettings
  /** Largest request after decompression. */
  maxRequestBytes: number
  timeoutMs: number
  signal?: AbortSignal
  variables?: Record<string, string>
  /** Runs when Git is done and before the client learns of it. */
  beforeEnd?: () => Promise<void>
}

/** Answers `GET info/refs` from Git. */
export async function advertise(
  request: IncomingMessage,
  response: ServerResponse,
  service: GitService,
  options: ServeOptions,
): Promise<void> {
  const version2 = service === 'upload-pack' && protocolOf(request) === 'version=2'
  // Under version 2 the capabilities stand alone (http-protocol, "Smart Clients").
  const head = version2 ? [] : [pktLine(`# service=git-${service}\n`), FLUSH]
  await exchange([service, '--stateless-rpc', '--http-backend-info-refs', '.'], {
    request,
    response,
    body: Readable.from([]),
    contentType: `application/x-git-${service}-advertisement`,
    head: Buffer.concat(head),
    options,
  })
}

/**
 * The answer to `GET info/refs` under version 2: what this Git can do. It names no ref, so it stays the same for a repository and
 * a caller may keep it.
 */
export async function version2Capabilities(repository: string, settings: GitSettings): Promise<Buffer> {
  const args = ['upload-pack', '--stateless-rpc', '--http-backend-info-refs', '.']
  return (await runGit(args, { repository, settings, variables: { GIT_PROTOCOL: 'version=2' } })).stdout
}

/** Answers `POST git-upload-pack` or `POST git-receive-pack` from Git. `body` stands in for the request's own when part of it was read. */
export async function serveRpc(
  request: IncomingMessage,
  response: ServerResponse,
  service: GitService,
  options: ServeOptions,
  body: Readable = requestBody(request, options.maxRequestBytes),
): Promise<void> {
  const contentType = `application/x-git-${service}-result`
  const head = Buffer.alloc(0)
  await exchange([service, '--stateless-rpc', '.'], { request, response, body, contentType, head, options })
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  body: Readable
  contentType: string
  head: Buffer
  options: ServeOptions
}

/** Streams the body in and the answer out. Whoever goes away, Git ends. */
async function exchange(
  args: string[],
  { request, response, body, contentType, head, options }: Exchange,
): Promise<void> {
  const protocol = protocolOf(request)
  const variables = { ...options.variables, ...(protocol === null ? {} : { GIT_PROTOCOL: protocol }) }
  const child = spawnGit(args, { repository: options.repository, settings: options.settings, variables })
  child.stderr.resume()
  const end = () => killGit(child)
  const timer = setTimeout(end, options.timeoutMs)
  options.signal?.addEventListener('abort', end, { once: true })
  response.once('close', end)
  let failure: unknown = null
  const closed = new Promise<number | null>(resolve => child.once('close', resolve))
  child.once('error', error => {
    failure = notStarted(error, options.repository)
  })
  const sent = pipeline(body, child.stdin).catch((error: NodeJS.ErrnoException) => {
    // A Git that has said all it has to say may close its input first.
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE') return
    failure = error
    end()
  })
  try {
    await pipeline(child.stdout, answering(response, contentType, head), response, { end: false })
    const [exitCode] = await Promise.all([closed, sent])
    await options.beforeEnd?.()
    finish(response, contentType, exitCode, failure)
  } catch {
    // The client left in the middle.
    response.destroy()
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', end)
    response.off('close', end)
    end()
  }
}

/** The status is not sent before Git has said something: until then a failure can still be told. */
function answering(response: ServerResponse, contentType: string, head: Buffer) {
  return async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      if (!response.headersSent) {
        startAnswer(response, contentType)
        if (head.length > 0) yield head
      }
      yield chunk
    }
  }
}

function finish(
  response: ServerResponse,
  contentType: string,
  exitCode: number | null,
  failure: unknown,
): void {
  if (failure instanceof BadBody) answerText(response, failure.status, failure.message)
  else if (isFlowForgeError(failure)) answerText(response, failure.status, failure.message)
  else if (failure !== null || exitCode === null)
    answerText(response, 500, 'Git could not answer this request.')
  else if (response.headersSent) response.end()
  else if (exitCode === 0) startAnswer(response, contentType).end()
  else answerText(response, 400, 'Git could not read this request.')
}

/** The request's body, decompressed, and no longer than allowed. */
export function requestBody(request: IncomingMessage, maxBytes: number): Readable {
  const encoding = request.headers['content-encoding']
  const zipped = encoding === 'gzip' || encoding === 'x-gzip'
  const plain: Readable = zipped ? request.pipe(createGunzip()) : request
  // `pipe` hands on the data, but not that the client has gone.
  if (zipped) request.once('close', () => request.complete || plain.destroy(new Error('the client left')))
  return Readable.from(checked(plain, maxBytes))
}

/** The request is not what it may be. */
export class BadBody extends Error {
  readonly status: 400 | 413
  constructor(status: 400 | 413, message: string) {
    super(message)
    this.name = 'BadBody'
    this.status = status
  }
}

async function* checked(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer> {
  let size = 0
  try {
    for await (const chunk of source) {
      size += chunk.length
      if (size > maxBytes) throw new BadBody(413, `The request is larger than ${maxBytes} bytes.`)
      yield chunk
    }
  } catch (error) {
    const unreadable = String((error as NodeJS.ErrnoException).code).startsWith('Z_')
    throw unreadable ? new BadBody(400, 'The request is not the gzip that it claims to be.') : error
  }
}

/** Answers for what went wrong. What nobody expected is thrown on, so that it is logged, unless the client is gone. */
export function answerFailure(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (error instanceof BadBody || isFlowForgeError(error)) answerText(response, error.status, error.message)
  else if (error instanceof PacketError)
    answerText(response, 400, `This is not Git's protocol: ${error.message}.`)
  else if (!request.complete) response.destroy()
  else {
    answerText(response, 500, 'FlowForge failed at this request. Try again.')
    throw error
  }
}

/** The header becomes a variable of a process: only the form that Git defines gets through. */
export function protocolOf(request: Pick<IncomingMessage, 'headers'>): string | null {
  const header = request.headers['git-protocol']
  return typeof header === 'string' && /^version=[012]$/.test(header) ? header : null
}

export function startAnswer(response: ServerResponse, contentType: string): ServerResponse {
  return response.writeHead(200, { 'Content-Type': contentType, ...NO_CACHE })
}

/** Git shows a plain text as `remote: …` beside the status. */
export function answerText(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...NO_CACHE }).end(`${message}\n`)
}

const NO_CACHE = {
  'Cache-Control': 'no-cache, max-age=0, must-revalidate',
  Expires: 'Fri, 01 Jan 1980 00:00:00 GMT',
  Pragma: 'no-cache',
} as const
