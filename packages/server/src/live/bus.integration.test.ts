// One contract for the bus in one process, over NOTIFY and over Redis.
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createRedisConnections } from '../bin/redis.ts'
import { createScene, type Scene } from '../jobs/testing-scene.ts'
import { startRedis, type TestServer } from '../queue/testing-servers.ts'
import { createDatabase, type Transaction } from '../store/database.ts'
import { createListener } from '../store/listener.ts'
import { type Announcement, type Bus, createBus, type Delta } from './bus.ts'
import { createPostgresRelay } from './postgres-relay.ts'
import { createRedisRelay } from './redis-relay.ts'

let scene: Scene
let redis: TestServer
beforeAll(async () => {
  scene = await createScene()
  redis = await startRedis()
})
afterAll(async () => {
  await redis.close()
  await scene.close()
})

const installationId = randomUUID()

interface Kind {
  /** Buses of so many processes; of one when no process can hear another. */
  open(): Promise<Bus[]>
  breakConnections?(): Promise<void>
}

const kinds: Record<string, Kind> = {
  'in one process': { open: async () => [createBus(null)] },
  'over NOTIFY': {
    open: () =>
      Promise.all(
        [1, 2].map(async () => {
          const [listener, database] = [
            await createListener(scene.test.appConfig),
            createDatabase(scene.test.appConfig),
          ]
          const bus = createBus(createPostgresRelay({ listener, pool: database.pool }))
          onTestFinished(async () => {
            await listener.close()
            await database.close()
          })
          return bus
        }),
      ),
    breakConnections: () => scene.breakConnections(),
  },
  'over Redis': {
    open: async () => {
      const connections = createRedisConnections(redis.url, pino({ level: 'silent' }))
      return [1, 2].map(() => createBus(createRedisRelay({ connect: connections.connect, installationId })))
    },
    breakConnections: async () => {
      await redis.stop()
      await redis.start()
    },
  },
}

const subject = { jobId: 'job', organizationId: 'organization' }
const announce = (
  bus: Bus,
  seq: number,
  tx: (work: (tx: Transaction) => Promise<unknown>) => Promise<unknown>,
) => tx(open => bus.announce(open, { ...subject, seq }))
const transaction = (work: (tx: Transaction) => Promise<unknown>) => scene.database.acrossOrganizations(work)
const delta = (text: string): Delta => ({ ...subject, attempt: 1, text })

/** What each of them heard. */
const listen = (buses: Bus[]) =>
  buses.map(bus => {
    const heard = { seqs: [] as number[], text: '', gaps: 0 }
    bus.onAnnouncement(({ seq }: Announcement) => void heard.seqs.push(seq))
    bus.onDelta(({ text }) => {
      heard.text += text
    })
    bus.onGap(() => {
      heard.gaps += 1
    })
    return heard
  })

describe.each(Object.entries(kinds))('the bus %s', (_name, kind) => {
  const open = async () => {
    const buses = await kind.open()
    onTestFinished(async () => void (await Promise.all(buses.map(bus => bus.close()))))
    const heard = listen(buses)
    // A process that is new hears what is said after it has begun to listen.
    await expect
      .poll(
        async () => {
          await announce(buses[0]!, 1, transaction)
          return heard.every(({ seqs }) => seqs.length > 0)
        },
        { timeout: 20_000 },
      )
      .toBe(true)
    return { buses, heard, first: buses[0]! }
  }

  test('announces to every process when the transaction has committed, and not before', async () => {
    const { first, heard } = await open()
    await transaction(async tx => {
      await first.announce(tx, { ...subject, seq: 10 })
      await announce(first, 5, transaction)
      await expect.poll(() => heard.map(({ seqs }) => seqs.at(-1))).toEqual(heard.map(() => 5))
      expect(heard.flatMap(({ seqs }) => seqs)).not.toContain(10)
    })
    await expect.poll(() => heard.map(({ seqs }) => seqs.at(-1))).toEqual(heard.map(() => 10))
  })

  test('announces nothing of a transaction that is rolled back', async () => {
    const { first, heard } = await open()
    const failing = transaction(async tx => {
      await first.announce(tx, { ...subject, seq: 10 })
      throw new Error('on second thought')
    })
    await expect(failing).rejects.toThrow('on second thought')
    await announce(first, 5, transaction)
    await expect.poll(() => heard.map(({ seqs }) => seqs.at(-1))).toEqual(heard.map(() => 5))
    expect(heard.flatMap(({ seqs }) => seqs)).not.toContain(10)
  })

  test('tells the speaker once, and of a job at least the newest', async () => {
    const { first, heard } = await open()
    const before = heard[0]!.seqs.length
    await Promise.all(Array.from({ length: 50 }, (_, n) => announce(first, 100 + n, transaction)))
    await expect.poll(() => heard.map(({ seqs }) => Math.max(...seqs))).toEqual(heard.map(() => 149))
    expect(heard[0]!.seqs.length - before).toBe(50)
  })

  test('carries text to everyone in the order in which it was written', async () => {
    const { first, heard } = await open()
    const words = Array.from({ length: 200 }, (_, n) => `${n} `)
    for (const word of words) first.sendDelta(delta(word))
    await expect
      .poll(() => heard.map(({ text }) => text), { timeout: 10_000 })
      .toEqual(heard.map(() => words.join('')))
  })

  test('says after a broken connection that something may have been missed, and goes on', async context => {
    if (!kind.breakConnections) return context.skip('there is no connection')
    const { first, heard } = await open()
    const before = heard.map(({ gaps }) => gaps)
    await kind.breakConnections()
    await expect.poll(() => heard.every(({ gaps }, n) => gaps > before[n]!), { timeout: 30_000 }).toBe(true)
    await expect
      .poll(
        async () => {
          await announce(first, 1000, transaction).catch(() => {})
          return heard.every(({ seqs }) => seqs.includes(1000))
        },
        { timeout: 30_000 },
      )
      .toBe(true)
  })
})

test('a Redis that is away keeps nobody waiting, and tells watchers to look by themselves', async () => {
  const server = await startRedis()
  onTestFinished(server.close)
  const { connect } = createRedisConnections(server.url, pino({ level: 'silent' }))
  const relay = createRedisRelay({ connect, installationId })
  const bus = createBus(relay)
  onTestFinished(bus.close)
  expect(await relay.check()).toBeNull()
  await server.stop()
  const [heard] = listen([bus])
  await announce(bus, 7, transaction)
  expect(heard!.seqs).toEqual([7])
  await expect.poll(() => heard!.gaps, { timeout: 10_000 }).toBeGreaterThan(1)
  expect(relay.trouble()).toMatch(/ECONNREFUSED|lost/)
})

test('a flush of Redis loses no word', async () => {
  const { connect } = createRedisConnections(redis.url, pino({ level: 'silent' }))
  const buses = [1, 2].map(() => createBus(createRedisRelay({ connect, installationId })))
  onTestFinished(async () => void (await Promise.all(buses.map(bus => bus.close()))))
  const heard = listen(buses)
  const say = () => announce(buses[0]!, 1, transaction)
  await expect.poll(() => say().then(() => heard[1]!.seqs.length), { timeout: 10_000 }).toBeGreaterThan(0)
  const admin = connect()
  await expect.poll(() => admin.flushall().catch(() => 'not yet')).toBe('OK')
  admin.disconnect()
  await announce(buses[0]!, 2, transaction)
  await expect.poll(() => heard[1]!.seqs.at(-1)).toBe(2)
})
