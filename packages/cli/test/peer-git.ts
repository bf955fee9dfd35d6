// The peer's hosted repositories: `git http-backend` as a CGI program, behind Basic authentication.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'

export function serveGit(
  request: IncomingMessage,
  response: ServerResponse,
  { root, token }: { root: string; token: string },
): void {
  const password = Buffer.from(request.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64')
    .toString()
    .split(':')[1]
  if (password !== token) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    return
  }
  const { pathname, search } = new URL(request.url ?? '', 'http://peer')
  const path = decodeURIComponent(pathname.replace(/^\/git/, ''))
  ensureRepository(join(root, path.slice(0, path.indexOf('.git') + 4)))
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_USER: 'peer',
      PATH_INFO: path,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: request.headers['git-protocol']?.toString() ?? '',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  request.pipe(backend.stdin)
  const chunks: Buffer[] = []
  backend.stdout.on('data', chunk => chunks.push(chunk as Buffer))
  backend.on('close', () => sendCgi(response, Buffer.concat(chunks)))
}

function ensureRepository(path: string): void {
  if (existsSync(path)) return
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', path])
}

function sendCgi(response: ServerResponse, output: Buffer): void {
  const end = output.indexOf('\r\n\r\n')
  const headers = output
    .subarray(0, end)
    .toString()
    .split('\r\n')
    .map(line => line.split(': ') as [string, string])
  const status = headers.find(([name]) => name === 'Status')?.[1]
  response.writeHead(status ? Number.parseInt(status, 10) : 200, Object.fromEntries(headers))
  response.end(output.subarray(end + 4))
}
