// WebSocket: send `{subscribe: jobId | "*", after: seq}`, get events. One connection may hold several subscriptions.
// And the tickets for those who can send no headers when they connect.
import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { HttpContext } from '../context.ts'
import { serveLiveConnection } from '../live-connection.ts'
import { Problem } from '../problems.ts'

const LIVE = '/live'

const Ticket = z
  .object({
    /** For `GET /live?ticket=…`: one connection, within half a minute. */
    ticket: z.string(),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'LiveTicket' })

export const liveRoutes =
  (context: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    app.post(
      '/live/tickets',
      {
        schema: {
          operationId: 'createLiveTicket',
          tags: ['jobs'],
          description:
            'For a WebSocket of a program that can send no headers: open `/api/v1/live?ticket=…`. A ticket is good for one connection within half a minute, and shows what its owner may see.',
          response: { 201: Ticket, 401: Problem, 503: Problem },
        },
      },
      async (request, reply) => {
        const { ticket, expiresAt } = await context.tickets.issue(request.principal)
        return reply.code(201).send({ ticket, expiresAt: expiresAt.toISOString() })
      },
    )

    app.get(LIVE, { websocket: true, schema: { hide: true } }, (socket, request) => {
      serveLiveConnection(context, request, socket)
    })
  }

/** What the query names, where tickets count: nowhere else is anything of a URL a credential. */
export function liveTicket(request: FastifyRequest): string | undefined {
  if (request.method !== 'GET' || !request.routeOptions.url?.endsWith(LIVE)) return undefined
  const { ticket } = request.query as { ticket?: unknown }
  return typeof ticket === 'string' ? ticket : undefined
}
