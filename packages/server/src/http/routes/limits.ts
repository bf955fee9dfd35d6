// How many jobs of an organization may run at once. A repository's own limit stands with the repository.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { FlowForgeError } from '../../errors.ts'
import { findOrganizationLoad, type OrganizationLoad, setOrganizationLimit } from '../../store/queue.ts'
import type { HttpContext } from '../context.ts'
import { Problem } from '../problems.ts'

export const MaxRunning = z
  .int()
  .min(1)
  .max(10_000)
  .nullable()
  .meta({ description: 'How many jobs may run at once; null: as many as there is room for' })

const Limits = z
  .object({ maxRunning: z.int().nullable(), running: z.int(), queued: z.int() })
  .meta({ id: 'Limits' })

export const limitRoutes =
  ({ database }: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    const errors = { 401: Problem, 422: Problem }
    const view = ({ max_running, running, queued }: OrganizationLoad) => ({
      maxRunning: max_running,
      running,
      queued,
    })

    app.get(
      '/limits',
      { schema: { operationId: 'getLimits', tags: ['organizations'], response: { 200: Limits, ...errors } } },
      async ({ principal: { organizationId } }) =>
        view(await database.inOrganization(organizationId, tx => findOrganizationLoad(tx, organizationId))),
    )

    app.patch(
      '/limits',
      {
        schema: {
          operationId: 'updateLimits',
          tags: ['organizations'],
          body: z.strictObject({ maxRunning: MaxRunning }).meta({ id: 'LimitsChange' }),
          response: { 200: Limits, 403: Problem, ...errors },
        },
      },
      async ({ principal: { organizationId, role }, body }) => {
        if (role !== 'owner' && role !== 'admin')
          throw new FlowForgeError('not_allowed', 'An owner or admin sets the limits of an organization.')
        return database.inOrganization(organizationId, async tx => {
          await setOrganizationLimit(tx, organizationId, body.maxRunning)
          return view(await findOrganizationLoad(tx, organizationId))
        })
      },
    )
  }
