// For load balancers and monitoring: alive, ready, and Prometheus figures.
import type { FastifyPluginAsync } from 'fastify'
import sql from 'sql-template-tag'
import { isFlowForgeError } from '../../errors.ts'
import { degraded } from '../../queue/link.ts'
import { countByState } from '../../store/jobs.ts'
import { listLiveWorkers } from '../../store/workers.ts'
import type { HttpContext } from '../context.ts'
import { sendProblem } from '../problems.ts'

export const healthRoutes =
  ({ database, leaseSeconds, closing, links }: HttpContext): FastifyPluginAsync =>
  async app => {
    app.get('/healthz', { schema: { hide: true } }, async () => ({ status: 'alive' }))

    app.get('/readyz', { schema: { hide: true } }, async (request, reply) => {
      if (!closing.askedReady())
        return sendProblem(
          request,
          reply,
          'unavailable',
          'This server is about to end; another one is to be asked.',
        )
      try {
        await database.acrossOrganizations(tx => tx.first(sql`select 1 as one`))
        const slower = degraded(links)
        return { status: 'ready', ...(slower.length > 0 && { degraded: slower }) }
      } catch (error) {
        const detail = isFlowForgeError(error) ? error.message : 'The database does not answer.'
        return sendProblem(request, reply, 'unavailable', detail)
      }
    })

    app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
      if (!isLoopback(request.socket.remoteAddress))
        return sendProblem(request, reply, 'not_allowed', 'The figures are given to this machine alone.')
      const [states, workers] = await database.acrossOrganizations(
        async tx => [await countByState(tx, null), await listLiveWorkers(tx, 2 * leaseSeconds)] as const,
      )
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(metricsText(states, workers))
    })
  }

const isLoopback = (address: string | undefined): boolean =>
  address === '::1' || /^(::ffff:)?127\./.test(address ?? '')

/** Prometheus text format 0.0.4. */
function metricsText(
  states: Array<{ state: string; count: number }>,
  workers: Array<{ concurrency: number }>,
): string {
  const slots = workers.reduce((sum, worker) => sum + worker.concurrency, 0)
  return [
    '# HELP flowforge_jobs Unfinished jobs by state.',
    '# TYPE flowforge_jobs gauge',
    ...['pending', 'queued', 'running', 'waiting'].map(
      state => `flowforge_jobs{state="${state}"} ${states.find(row => row.state === state)?.count ?? 0}`,
    ),
    '# HELP flowforge_workers Workers that were heard of within two leases.',
    '# TYPE flowforge_workers gauge',
    `flowforge_workers ${workers.length}`,
    '# HELP flowforge_worker_slots Jobs that the workers can run at a time.',
    '# TYPE flowforge_worker_slots gauge',
    `flowforge_worker_slots ${slots}`,
    '# HELP process_resident_memory_bytes Resident memory of this process.',
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    '',
  ].join('\n')
}
