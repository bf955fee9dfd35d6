import { once } from 'node:events'
import { pino } from 'pino'
import sql from 'sql-template-tag'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveTickets } from '../auth/live-tickets.ts'
import { startTestServer, type TestServer } from './testing-server.ts'

let server: TestServer
const logged: string[] = []
beforeAll(async () => {
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) })
  server = await startTestServer({ log })
})
afterAll(() => server.close())

const take = async (key = server.keys.first): Promise<string> =>
  (await server.ask('/api/v1/live/tickets', { method: 'POST', key })).body.ticket
/** The status of the refusal, or the open socket. */
const open = async (ticket: string): Promise<WebSocket | number> => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/live?ticket=${ticket}`)
  onTestFinished(() => socket.terminate())
  const refused = new Promise<number>(resolve => {
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode!))
  })
  return Promise.race([once(socket, 'open').then(() => socket), refused])
}

test('a ticket opens one connection for who can send no headers', async () => {
  const { id } = await server.scene.submit()
  const answer = await server.ask('/api/v1/live/tickets', { method: 'POST' })
  expect(answer.status).toBe(201)
  expect(Date.parse(answer.body.expiresAt) - Date.now()).toBeLessThanOrEqual(31_000)
  const socket = (await open(answer.body.ticket)) as WebSocket
  const got: string[] = []
  socket.on('message', data => got.push(String(data)))
  socket.send(JSON.stringify({ subscribe: id }))
  await expect.poll(() => got.length).toBe(3)
  expect(await open(answer.body.ticket)).toBe(401)
})

test('of many who use one ticket at once, on any server, one gets in', async () => {
  const ticket = await take()
  const otherServer = createLiveTickets(server.scene.database)
  const tries = await Promise.allSettled([
    ...Array.from({ length: 5 }, () => otherServer.redeem(ticket)),
    ...Array.from({ length: 5 }, async () => {
      if ((await open(ticket)) === 401) throw new Error('refused')
    }),
  ])
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('a ticket shows what its owner may see, and no more', async () => {
  const { id } = await server.scene.submit()
  const socket = (await open(await take(server.keys.stranger))) as WebSocket
  const got: string[] = []
  socket.on('message', data => got.push(String(data)))
  socket.send(JSON.stringify({ subscribe: id }))
  await expect.poll(() => got).toEqual([expect.stringContaining('job_not_found')])
})

test('a ticket that is too old, or of one who left the organization, opens nothing', async () => {
  const { database, tenant } = server.scene
  const old = await take()
  await database.acrossOrganizations(tx =>
    tx.run(sql`update live_tickets set expires_at = now() - interval '1 second'`),
  )
  expect(await open(old)).toBe(401)
  const left = await take(server.keys.stranger)
  await database.acrossOrganizations(tx =>
    tx.run(sql`delete from member where "organizationId" = ${server.stranger.organizationId}`),
  )
  expect(await open(left)).toBe(401)
  expect(tenant.organizationId).not.toBe(server.stranger.organizationId)
})

test('a ticket counts nowhere else, and no ticket is needed where a key is', async () => {
  const ticket = await take()
  expect((await server.ask(`/api/v1/jobs?ticket=${ticket}`, { key: null })).status).toBe(401)
  expect((await server.ask('/api/v1/live/tickets', { method: 'POST', key: null })).status).toBe(401)
  expect(await open('nonsense')).toBe(401)
})

test('no ticket is ever logged or stored', async () => {
  const ticket = await take()
  await open(ticket)
  await open(ticket)
  await server.ask(`/api/v1/jobs?ticket=${ticket}`, { key: null })
  await server.ask(`/api/v1/nowhere?ticket=${ticket}`)
  expect(logged.length).toBeGreaterThan(0)
  expect(logged.join('')).not.toContain(ticket)
  const unused = await take()
  const rows = await server.scene.database.acrossOrganizations(tx =>
    tx.all<{ row: string }>(sql`select live_tickets::text as row from live_tickets`),
  )
  expect(rows.map(({ row }) => row).join('')).not.toContain(unused)
})
