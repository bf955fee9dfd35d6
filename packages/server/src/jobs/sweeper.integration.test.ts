import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import path from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createLeaderLock } from '../store/leader-lock.ts'
import { createMigratedDatabase, type MigratedDatabase } from '../store/testing-migrated.ts'
import { type SweepTask, startSweeper } from './sweeper.ts'

const log = pino({ level: 'silent' })
const SILENCE_MS = 1_000
let test_: MigratedDatabase
let key = 100
beforeAll(async () => {
  test_ = await createMigratedDatabase()
})
beforeEach(() => {
  key += 1
})
afterAll(() => test_.close())

const sweeper = (tasks: SweepTask[], connection: pg.ClientConfig = test_.appConfig) => {
  const lock = createLeaderLock(connection, { key, silenceMs: SILENCE_MS })
  const started = startSweeper({ lock, tasks, askMs: 50, log })
  onTestFinished(() => started.stop())
  return started
}
const idle: SweepTask[] = []
const leads = (one: { leads(): boolean }, timeout = 5_000) =>
  expect.poll(() => one.leads(), { interval: 20, timeout }).toBe(true)
const counting = (name = 'count') => {
  let runs = 0
  const task: SweepTask = {
    name,
    everyMs: 10,
    run: async () => {
      runs += 1
    },
  }
  return { task, runs: () => runs }
}

describe('of many sweepers', () => {
  test('exactly one is active', async () => {
    const tasks = Array.from({ length: 5 }, () => counting())
    const sweepers = tasks.map(({ task }) => sweeper([task]))
    await expect.poll(() => sweepers.filter(one => one.leads()).length, { interval: 20 }).toBe(1)
    const active = sweepers.findIndex(one => one.leads())
    await expect.poll(tasks[active]!.runs, { interval: 20 }).toBeGreaterThan(20)
    expect(tasks.map(({ runs }) => runs() > 0)).toEqual(tasks.map((_, index) => index === active))
  })

  test('the next one leads when the leader stops', async () => {
    const first = sweeper(idle)
    await leads(first)
    const second = sweeper(idle)
    await first.stop()
    await leads(second)
    expect(first.leads()).toBe(false)
  })

  test('the next one leads when the connection of the leader breaks, and the old one stands by', async () => {
    const first = sweeper(idle)
    await leads(first)
    const second = sweeper(idle)
    await endSessions()
    await expect.poll(() => [first, second].filter(one => one.leads()).length, { interval: 20 }).toBe(1)
  })
})

describe('a leader in another process', () => {
  const startLeader = async () => {
    const child = spawn(
      process.execPath,
      [
        path.join(import.meta.dirname, 'testing-leader.ts'),
        JSON.stringify(test_.appConfig),
        `${key}`,
        `${SILENCE_MS}`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    return child
  }

  test('is replaced when it is killed', async () => {
    const leader = await startLeader()
    const mine = sweeper(idle)
    leader.kill('SIGKILL')
    await leads(mine)
  })

  test('is replaced when it is frozen, although its connection stands', async () => {
    const leader = await startLeader()
    const mine = sweeper(idle)
    expect(mine.leads()).toBe(false)
    leader.kill('SIGSTOP')
    await leads(mine)
    // It learns of its loss when it goes on, and stands by.
    leader.kill('SIGCONT')
    const [line] = (await once(leader.stdout, 'data')) as [Buffer]
    expect(line.toString()).toContain('lost')
    expect(mine.leads()).toBe(true)
  })
})

test('a leader that is cut off from the database is replaced, and notices it itself', async () => {
  const wire = await createWire()
  const cutOff = sweeper(idle, wire.connection)
  await leads(cutOff)
  const other = sweeper(idle)
  wire.cut()
  await leads(other)
  await expect.poll(() => cutOff.leads(), { interval: 20 }).toBe(false)
})

describe('a task', () => {
  test('that fails is tried again, and the others go on', async () => {
    let failures = 0
    const failing: SweepTask = {
      name: 'failing',
      everyMs: 10,
      run: async () => {
        failures += 1
        throw new Error('scripted')
      },
    }
    const other = counting()
    sweeper([failing, other.task])
    await expect.poll(() => failures, { interval: 20 }).toBeGreaterThan(2)
    await expect.poll(other.runs, { interval: 20 }).toBeGreaterThan(2)
  })

  test('that hangs keeps no other waiting, and is started again at its limit', async () => {
    let started = 0
    let aborted = 0
    const hanging: SweepTask = {
      name: 'hanging',
      everyMs: 10,
      limitMs: 50,
      run: signal => {
        started += 1
        signal.addEventListener('abort', () => (aborted += 1))
        return new Promise(() => {})
      },
    }
    const other = counting()
    const mine = sweeper([hanging, other.task])
    await expect.poll(other.runs, { interval: 20 }).toBeGreaterThan(20)
    await expect.poll(() => started, { interval: 20 }).toBeGreaterThan(1)
    expect(aborted).toBeGreaterThan(0)
    await mine.stop()
  })

  test('is told when the lead is lost, and is not run beside itself when it comes back', async () => {
    let under = 0
    let runs = 0
    let mine = true
    const first = Promise.withResolvers<void>()
    const told = Promise.withResolvers<void>()
    const slow: SweepTask = {
      name: 'slow',
      everyMs: 10,
      run: async signal => {
        runs += 1
        under += 1
        expect(under).toBe(1)
        signal.addEventListener('abort', () => told.resolve())
        if (runs === 1) await first.promise
        under -= 1
      },
    }
    const lock = { hold: async () => mine, release: async () => {} }
    const one = startSweeper({ lock, tasks: [slow], askMs: 10, log })
    onTestFinished(() => one.stop())
    await expect.poll(() => runs, { interval: 10 }).toBe(1)
    mine = false
    await told.promise
    mine = true
    await leads(one)
    expect(runs).toBe(1)
    first.resolve()
    await expect.poll(() => runs, { interval: 10 }).toBeGreaterThan(2)
  })
})

async function endSessions(): Promise<void> {
  const admin = new pg.Client(test_.superuserConfig)
  await admin.connect()
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'flowforge leader'`,
  )
  await admin.end()
}

/** A way to Postgres that can go silent without closing: what a cut network looks like from both ends. */
async function createWire() {
  const target = path.join(String(test_.appConfig.host), `.s.PGSQL.${test_.appConfig.port ?? 5432}`)
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer(near => {
    const far = connect(target)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    const pass = (from: Socket, to: Socket) =>
      from.on('data', chunk => {
        if (!isCut) to.write(chunk)
      })
    pass(near, far)
    pass(far, near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return {
    connection: { ...test_.appConfig, host: '127.0.0.1', port },
    cut: () => {
      isCut = true
    },
  }
}
