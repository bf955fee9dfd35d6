// How the gateway says no: the same few reasons in the language of each protocol it speaks. Knows nothing of why.

import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { RunnerApiError } from '@flowforge/protocol'

export type GatewayProtocol = 'runner' | 'claude' | 'git' | 'egress' | 'none'

export interface Refusal {
  status: number
  code: RunnerApiError['code'] | 'not_found'
  message: string
}

export const TOKEN_INVALID: Refusal = {
  status: 401,
  code: 'token_invalid',
  message: 'This is not the token of this attempt.',
}
export const LEASE_LOST: Refusal = {
  status: 403,
  code: 'lease_lost',
  message:
    'lease_lost: this attempt has ended or belongs to another worker; nothing it sends is taken any more.',
}
export const UNAVAILABLE: Refusal = {
  status: 500,
  code: 'unavailable',
  message: "FlowForge's gateway failed at this request; its log says why.",
}
export const UNCLEAR_LENGTH: Refusal = {
  status: 400,
  code: 'bad_request',
  message: 'The only Transfer-Encoding that is understood here is "chunked".',
}
export const NOT_FOUND: Refusal = {
  status: 404,
  code: 'not_found',
  message: 'The gateway has nothing at this address.',
}

export function refuse(res: ServerResponse, protocol: GatewayProtocol, refusal: Refusal): void {
  if (res.headersSent) {
    res.destroy()
    return
  }
  if (protocol === 'claude') {
    sendApiError(res, refusal.status, API_ERROR_TYPES[refusal.status] ?? 'api_error', refusal.message, {
      retry: refusal.status >= 500,
    })
  } else if (protocol === 'runner') {
    send(
      res,
      refusal.status,
      'application/json',
      JSON.stringify({ code: refusal.code, message: refusal.message }),
    )
  } else {
    send(res, proxyStatus(protocol, refusal), 'text/plain; charset=utf-8', `${refusal.message}\n`)
  }
}

/** A CONNECT has no response object: its socket is already out of the HTTP server's hands. */
export function refuseTunnel(socket: Duplex, refusal: Refusal, headers: Record<string, string> = {}): void {
  const status = proxyStatus('egress', refusal)
  const body = `${refusal.message}\n`
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...(status === 407 ? [`Proxy-Authenticate: ${CHALLENGE}`] : []),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  endSocket(socket, `${lines.join('\r\n')}\r\n\r\n${body}`)
}

/** Ends and, once written, destroys: a peer that never closes its side must not keep the socket. */
export function endSocket(socket: Duplex, text: string): void {
  socket.on('error', () => socket.destroy())
  if (!socket.writable) socket.destroy()
  else socket.end(text, () => socket.destroy())
}

/** https://platform.claude.com/docs/en/api/errors; Claude Code heeds `x-should-retry` before anything else. */
export function sendApiError(
  res: ServerResponse,
  status: number,
  type: string,
  message: string,
  options: { retry: boolean; headers?: Record<string, string> },
): void {
  const body = JSON.stringify({ type: 'error', error: { type, message } })
  res.setHeader('x-should-retry', String(options.retry))
  for (const [name, value] of Object.entries(options.headers ?? {})) res.setHeader(name, value)
  send(res, status, 'application/json', body)
}

const API_ERROR_TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
}
const CHALLENGE = 'Basic realm="FlowForge"'

const proxyStatus = (protocol: GatewayProtocol, refusal: Refusal): number =>
  protocol === 'egress' && refusal.status === 401 ? 407 : refusal.status

function send(res: ServerResponse, status: number, contentType: string, body: string): void {
  if (status === 401) res.setHeader('www-authenticate', CHALLENGE)
  if (status === 407) res.setHeader('proxy-authenticate', CHALLENGE)
  res.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
  res.end(body)
}
