// Requests as the sign-in library wants them, and the check that a cookie is only used by our own pages.
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { FlowForgeError } from '../errors.ts'

export const headerPairs = (headers: IncomingHttpHeaders): Array<[string, string]> =>
  Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as [string, string]],
  )

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A browser sends the session cookie also for other sites' pages; `Origin` tells which page asked (Fetch standard, 3.1).
 * API keys are never sent by themselves and need no check. A WebSocket handshake is a GET that must be checked as well.
 */
export function refuseForeignOrigin(request: FastifyRequest, publicUrl: string): void {
  const origin = request.headers.origin
  const upgrade = request.headers.upgrade !== undefined
  if (request.principal.via !== 'session' || (SAFE_METHODS.has(request.method) && !upgrade)) return
  const own =
    origin !== undefined && (origin === new URL(publicUrl).origin || hostOf(origin) === request.headers.host)
  if (!own) throw new FlowForgeError('not_allowed', 'This request comes from a page of another site.')
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host
  } catch {
    return undefined
  }
}
