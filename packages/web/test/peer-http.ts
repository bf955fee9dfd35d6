// The peer's HTTP plumbing: problems, pages, bodies, static files under the server's Content-Security-Policy. Knows no job.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join, normalize } from 'node:path'

const CSP =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

export class Problem extends Error {
  readonly status: number
  readonly body: Record<string, unknown>
  constructor(status: number, code: string, title: string, more: Record<string, unknown> = {}) {
    super(title)
    this.status = status
    this.body = {
      type: 'about:blank',
      status,
      code,
      title,
      detail: title,
      requestId: `req_${randomUUID().slice(0, 8)}`,
      ...more,
    }
  }
}

export const invalid = (path: string, message: string) =>
  new Problem(422, 'validation_failed', 'The request has fields that can not be used', {
    errors: [{ path, message }],
  })

export function paged<T>(rows: T[], url: URL) {
  const limit = Number(url.searchParams.get('limit') ?? 50)
  const from = Number(url.searchParams.get('cursor') ?? 0)
  const hasMore = rows.length > from + limit
  return { data: rows.slice(from, from + limit), nextCursor: hasMore ? String(from + limit) : null, hasMore }
}

export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString() || '{}')
}

export function send(response: ServerResponse, status: number, body?: unknown, type = 'application/json') {
  response.writeHead(status, body === undefined ? {} : { 'Content-Type': type })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

export async function serveFile(dist: string, pathname: string, response: ServerResponse) {
  const wanted = join(dist, normalize(decodeURIComponent(pathname)))
  const isFile = wanted.startsWith(dist) && extname(wanted) !== ''
  const content = isFile
    ? await readFile(wanted).catch(() => undefined)
    : await readFile(join(dist, 'index.html'))
  const type = isFile ? (TYPES[extname(wanted)] ?? 'application/octet-stream') : 'text/html; charset=utf-8'
  response.writeHead(content ? 200 : 404, {
    'Content-Type': type,
    'Content-Security-Policy': CSP,
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(content)
}
