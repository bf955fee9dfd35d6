// API keys of the person who asks, in their organization. The key itself is shown once.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { API_KEY_PREFIX, newApiKey } from '../../auth/api-keys.ts'
import { storeKey } from '../../auth/first-start.ts'
import type { Principal } from '../../auth/principal.ts'
import { FlowForgeError } from '../../errors.ts'
import type { Sealing } from '../../secrets/sealing.ts'
import type { Transaction } from '../../store/database.ts'
import { type Answer, answerOnce, type KeptForm } from '../../store/idempotency.ts'
import { deleteApiKey, listApiKeys } from '../../store/identity.ts'
import type { HttpContext } from '../context.ts'
import { IdempotencyHeader, onceOf } from '../idempotency.ts'
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
  ({ database, sealing }: HttpContext): FastifyPluginAsyncZod =>
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
          headers: IdempotencyHeader,
          response: { 201: NewApiKey, ...errors },
        },
      },
      async (request, reply) => {
        const { organizationId } = request.principal
        const once = onceOf(request.headers, 'POST /api-keys', request.body)
        const form = sealedForm(sealing, `idempotency/${organizationId}/${once?.key ?? ''}`)
        const { body } = await database.acrossOrganizations(tx =>
          answerOnce(
            tx,
            organizationId,
            once,
            () => createKey(tx, request.principal, request.body.name),
            form,
          ),
        )
        return reply.code(201).send(body)
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

type CreatedKey = z.infer<typeof NewApiKey>

async function createKey(tx: Transaction, owner: Principal, name: string): Promise<Answer<CreatedKey>> {
  const key = newApiKey(API_KEY_PREFIX)
  const { id, start } = await storeKey(tx, owner, key, name)
  const createdAt = new Date().toISOString()
  return { status: 201, body: { id, name, start, key, createdAt, lastUsedAt: null, expiresAt: null } }
}

/** The answer holds the key itself: kept for those who did not get it, but never in the clear. */
const sealedForm = (sealing: Sealing, context: string): KeptForm<CreatedKey> => ({
  keep: body => ({ sealed: sealing.seal(JSON.stringify(body), context).toString('base64') }),
  give: kept =>
    NewApiKey.parse(
      JSON.parse(sealing.open(Buffer.from((kept as { sealed: string }).sealed, 'base64'), context)),
    ),
})
