import { expect, onTestFinished, test } from 'vitest'
import type { Link } from '../queue/link.ts'
import { startTestServer } from './testing-server.ts'

const away: Link = {
  kind: 'rabbitmq',
  trouble: () => 'connect ECONNREFUSED',
  check: async () => ({ ok: false, summary: 'RabbitMQ at mq:5672', problem: 'connect ECONNREFUSED' }),
  next: 'Start it.',
}

test('a server whose broker is away can serve, and says what is the matter', async () => {
  const server = await startTestServer({ links: { queue: away } })
  onTestFinished(server.close)
  const degraded = ['queue (rabbitmq): connect ECONNREFUSED']
  const ready = await server.ask('/readyz', { key: null })
  expect([ready.status, ready.body]).toEqual([200, { status: 'ready', degraded }])
  expect((await server.ask('/api/v1/system')).body).toMatchObject({
    queue: { kind: 'rabbitmq' },
    bus: { kind: 'postgres' },
    degraded,
  })
  const { checks } = (await server.ask('/api/v1/doctor')).body
  expect(checks).toContainEqual({
    name: 'broker',
    status: 'problem',
    summary: 'RabbitMQ at mq:5672: connect ECONNREFUSED',
    next: 'Start it.',
  })
  expect(checks).toContainEqual({ name: 'bus', status: 'ok', summary: 'Postgres carries live events' })
})
