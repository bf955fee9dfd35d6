// API keys of the person who asks, in their organization. The key itself is shown once.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { API_KEY_PREFIX, newApiKey } from '../../auth/api-keys.ts'
import { storeKey } from '../../auth/first-start.ts'
import { FlowForgeError } from '../../errors.ts'
import { deleteApiKey, listApiKeys } from '../../store/identity.ts'
import type { HttpContext } from '../context.ts'
import { pageOf } from '../pages.ts'
import { Problem } from '../problems.ts'

const ApiKey = z
  .object({
    id: z.string(),
    name: z.string(),
    /** The first characters, to tell keys apart. */
    start: z.string(),
    createdAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'ApiKey' })
const NewApiKey = ApiKey.extend({ key: z.string() }).meta({ id: 'NewApiKey' })

export const apiKeyRoutes =
  ({ database }: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    const errors = { 401: Problem, 404: Problem, 422: Problem }

    app.get(
      '/api-keys',
      {
        schema: {
          operationId: 'listApiKeys',
          tags: ['api-keys'],
          response: { 200: pageOf(ApiKey), ...errors },
        },
      },
      async request => {
        const { organizationId, userId } = request.principal
        const rows = await database.acrossOrganizations(tx => listApiKeys(tx, organizationId, userId))
        const data = rows.map(row => ({
          id: row.id,
          name: row.name ?? '',
          start: row.start ?? '',
          createdAt: row.createdAt.toISOString(),
          lastUsedAt: row.lastRequest?.toISOString() ?? null,
          expiresAt: row.expiresAt?.toISOString() ?? null,
        }))
        return { data, nextCursor: null, hasMore: false }
      },
    )

    app.post(
      '/api-keys',
      {
        schema: {
          operationId: 'createApiKey',
          tags: ['api-keys'],
          body: z.strictObject({ name: z.string().trim().min(1).max(100) }),
          response: { 201: NewApiKey, ...errors },
        },
      },
      async (request, reply) => {
        const key = newApiKey(API_KEY_PREFIX)
        const { id, start } = await database.acrossOrganizations(tx =>
          storeKey(tx, request.principal, key, request.body.name),
        )
        return reply.code(201).send({
          id,
          name: request.body.name,
          start,
          key,
          createdAt: new Date().toISOString(),
          lastUsedAt: null,
          expiresAt: null,
        })
      },
    )

    app.delete(
      '/api-keys/:id',
      {
        schema: {
          operationId: 'revokeApiKey',
          tags: ['api-keys'],
          params: z.object({ id: z.string().max(100) }),
          response: { 204: z.null(), ...errors },
        },
      },
      async (request, reply) => {
        const { organizationId, userId } = request.principal
        const gone = await database.acrossOrganizations(tx =>
          deleteApiKey(tx, organizationId, userId, request.params.id),
        )
        if (!gone)
          throw new FlowForgeError(
            'not_found',
            'There is no such API key. List them with: flowforge key list',
          )
        return reply.code(204).send(null)
      },
    )
  }
