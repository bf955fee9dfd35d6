// Who am I, what runs here, is it well.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { CheckResult } from '../../doctor/check-result.ts'
import { degraded } from '../../queue/link.ts'
import { countByState } from '../../store/jobs.ts'
import { listLiveWorkers } from '../../store/workers.ts'
import type { HttpContext } from '../context.ts'
import { pageOf } from '../pages.ts'
import { Problem } from '../problems.ts'

const Me = z
  .object({
    user: z.object({ id: z.string(), name: z.string(), email: z.string() }).nullable(),
    organization: z.object({ id: z.string(), slug: z.string(), name: z.string() }),
    role: z.string(),
    via: z.enum(['apiKey', 'session']),
  })
  .meta({ id: 'Me' })

const LinkKind = z.enum(['postgres', 'rabbitmq', 'redis'])

const System = z
  .object({
    version: z.string(),
    executor: z.string(),
    workers: z.int(),
    /** True when the answers come from the scripted model instead of Claude. */
    scriptedModel: z.boolean(),
    isolation: z.enum(['full', 'reduced', 'none']),
    queue: z.object({
      queued: z.int(),
      running: z.int(),
      /** What rings for the workers. */
      kind: LinkKind,
    }),
    /** What carries live events between processes. */
    bus: z.object({ kind: LinkKind }),
    /** What does not work at the moment, although FlowForge does. */
    degraded: z.array(z.string()),
  })
  .meta({ id: 'System' })

const Worker = z
  .object({
    id: z.string(),
    version: z.string(),
    executor: z.string(),
    host: z.string(),
    concurrency: z.int(),
    draining: z.boolean(),
    facts: z.record(z.string(), z.string()),
    startedAt: z.iso.datetime(),
    heartbeatAt: z.iso.datetime(),
  })
  .meta({ id: 'Worker' })

export const systemRoutes =
  (context: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    const { database, leaseSeconds } = context
    const errors = { 401: Problem }
    const workers = () => database.acrossOrganizations(tx => listLiveWorkers(tx, 2 * leaseSeconds))

    app.get(
      '/me',
      { schema: { operationId: 'getMe', tags: ['system'], response: { 200: Me, ...errors } } },
      async ({ principal }) => ({
        user: principal.user,
        organization: principal.organization,
        role: principal.role,
        via: principal.via,
      }),
    )

    app.get(
      '/system',
      { schema: { operationId: 'getSystem', tags: ['system'], response: { 200: System, ...errors } } },
      async ({ principal }) => {
        const live = await workers()
        const states = await database.inOrganization(principal.organizationId, tx =>
          countByState(tx, principal.organizationId),
        )
        const count = (state: string) => states.find(row => row.state === state)?.count ?? 0
        const first = live[0]
        return {
          version: context.version,
          executor: first?.executor ?? 'none',
          workers: live.length,
          scriptedModel: first?.facts.model === 'scripted',
          isolation: weakestIsolation(live),
          queue: { queued: count('queued'), running: count('running'), kind: context.links.queue.kind },
          bus: { kind: context.links.bus.kind },
          degraded: degraded(context.links),
        }
      },
    )

    app.get(
      '/workers',
      {
        schema: {
          operationId: 'listWorkers',
          tags: ['system'],
          response: { 200: pageOf(Worker), ...errors },
        },
      },
      async () => {
        const data = (await workers()).map(row => ({
          id: row.id,
          version: row.version,
          executor: row.executor,
          host: row.host,
          concurrency: row.concurrency,
          draining: row.draining,
          facts: row.facts,
          startedAt: row.started_at.toISOString(),
          heartbeatAt: row.heartbeat_at.toISOString(),
        }))
        return { data, nextCursor: null, hasMore: false }
      },
    )

    app.get(
      '/doctor',
      {
        schema: {
          operationId: 'getDoctor',
          tags: ['system'],
          response: { 200: z.object({ checks: z.array(CheckResult) }), ...errors },
        },
      },
      async () => ({
        checks: await context.doctor(),
      }),
    )
  }

/** A job may run on any of them. What a worker does not say is not assumed. */
const weakestIsolation = (live: { facts: Record<string, string> }[]): 'full' | 'reduced' | 'none' => {
  const levels = live.map(({ facts }) => facts.isolationLevel)
  if (levels.length > 0 && levels.every(level => level === 'full')) return 'full'
  return levels.length > 0 && levels.every(level => level === 'full' || level === 'reduced')
    ? 'reduced'
    : 'none'
}
