// Many who watch one job: what reaches them, how late, and what it costs the server. A real server process; its clients
// and whoever writes the events are other processes or threads of the same machine, so one clock measures all.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type pg from 'pg'
import { createBus } from '../../packages/server/src/live/bus.ts'
import { createEventLog } from '../../packages/server/src/live/event-log.ts'
import { createPostgresRelay } from '../../packages/server/src/live/postgres-relay.ts'
import { createDatabase } from '../../packages/server/src/store/database.ts'
import { createListener } from '../../packages/server/src/store/listener.ts'
import { type Figures, figures } from '../report.ts'
import type { Cluster } from './postgres.ts'
import type { WatchingOrder, WatchingReport } from './watching-clients.ts'

const ROOT = join(import.meta.dirname, '../..')
const TOKEN = 'bench-token-0123456789'
/** As a runner sends them: some at a time, many times a second. */
const BATCHES_PER_SECOND = 100
const SAMPLE_MS = 100
/** As docs/guides/operating.md starts it. */
const LEAN = '--max-semi-space-size=8'

export interface WatchersOptions {
  cluster: Cluster
  watchers?: number
  eventsPerSecond?: number
  seconds?: number
}

export interface WatchersResult {
  via: 'websocket' | 'sse'
  watchers: number
  eventsPerSecond: number
  seconds: number
  delivered: number
  expected: number
  deliveredPerSecond: number
  /** From the return of the commit until the client has the event. */
  latencyMs: Figures
  serverMegabytes: { before: number; peak: number; after: number }
  /** Seconds of one core in one second. */
  serverCores: number
}

/** One run over WebSocket and one over Server-Sent Events, each against a server of its own. */
export async function measureWatchers(options: WatchersOptions): Promise<WatchersResult[]> {
  const results: WatchersResult[] = []
  for (const via of ['websocket', 'sse'] as const) results.push(await measure(via, options))
  return results
}

async function measure(
  via: WatchersResult['via'],
  { cluster, watchers = 50, eventsPerSecond = 1000, seconds = 10 }: WatchersOptions,
): Promise<WatchersResult> {
  const { superuser, app } = await cluster.createFlowForge(`watchers_${via}`)
  const server = await startServer(superuser, join(cluster.directory, `watchers-${via}`))
  const story = await openStory(app)
  try {
    const job = await submitJob(server.url)
    const events = eventsPerSecond * seconds
    // Shared with the clients' thread: when the commit of an event had returned, by its number.
    const committedAt = new Float64Array(new SharedArrayBuffer(8 * (events + job.lastSeq + 1)))
    const clients = await startClients({
      ...{ via, url: server.url, token: TOKEN, jobId: job.id, watchers },
      ...{ after: job.lastSeq, last: job.lastSeq + events, committedAt },
    })
    const sampling = sampleServer(server.process.pid!)
    await story.write(job, { events, eventsPerSecond, committedAt })
    const report = await clients.report()
    const sampled = await sampling.stop()
    const started = committedAt[job.lastSeq + 1]!
    return {
      ...{ via, watchers, eventsPerSecond, seconds },
      delivered: report.delivered,
      expected: watchers * events,
      deliveredPerSecond: Math.round(report.delivered / ((report.lastAt - started) / 1000)),
      latencyMs: figures(report.latenciesMs),
      serverMegabytes: sampled.megabytes,
      serverCores: sampled.cores,
    }
  } finally {
    await story.close()
    await server.stop()
  }
}

interface Job {
  id: string
  organizationId: string
  lastSeq: number
}

async function openStory(app: pg.ClientConfig) {
  const database = createDatabase(app)
  const listener = await createListener(app)
  const bus = createBus(createPostgresRelay({ listener, pool: database.pool }))
  const log = createEventLog(bus)
  const append = (job: Job, texts: string[]) =>
    database.acrossOrganizations(tx =>
      log.append(
        tx,
        { id: job.id, organization_id: job.organizationId, attempt: 1 },
        texts.map(text => ({ type: 'log', data: { stream: 'stdout', text } })),
      ),
    )
  return {
    write: async (
      job: Job,
      {
        events,
        eventsPerSecond,
        committedAt,
      }: { events: number; eventsPerSecond: number; committedAt: Float64Array },
    ): Promise<void> => {
      const each = Math.max(1, Math.round(eventsPerSecond / BATCHES_PER_SECOND))
      const began = now()
      for (let written = 0; written < events; ) {
        const texts = Array.from({ length: Math.min(each, events - written) }, (_, n) => line(written + n))
        const last = await append(job, texts)
        committedAt.fill(now(), last - texts.length + 1, last + 1)
        written += texts.length
        const early = began + (written / eventsPerSecond) * 1000 - now()
        if (early > 0) await pause(early)
      }
    },
    close: async () => {
      await bus.close()
      await listener.close()
      await database.close()
    },
  }
}

const line = (number: number): string =>
  `${String(number).padStart(8)} ${'some output of a build '.repeat(8)}`

/** Milliseconds that processes and threads of this machine agree on. */
export const now = (): number => performance.timeOrigin + performance.now()

async function submitJob(url: string): Promise<Job> {
  const post = async (path: string, body: object) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as { id: string; organizationId: string }
  }
  const repository = await post('/repositories', { name: 'watched' })
  const { id, organizationId } = await post('/jobs', { repositoryId: repository.id, task: 'Be watched.' })
  // Created and queued; nothing works on it, since there is no worker.
  return { id, organizationId, lastSeq: 2 }
}

async function startServer(database: pg.ClientConfig, dataDirectory: string) {
  const port = await freePort()
  const query = new URLSearchParams({ host: String(database.host), port: String(database.port) })
  const child = spawn(process.execPath, [LEAN, 'packages/server/src/bin/server.ts'], {
    cwd: ROOT,
    env: {
      ...process.env,
      DATABASE_URL: `postgresql://${database.user}@localhost/${database.database}?${query}`,
      FLOWFORGE_DATA_DIR: dataDirectory,
      FLOWFORGE_BOOTSTRAP_TOKEN: TOKEN,
      FLOWFORGE_PORT: String(port),
      FLOWFORGE_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await untilReady(child)
  return {
    url: `http://127.0.0.1:${port}`,
    process: child,
    stop: async () => {
      if (child.exitCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

async function untilReady(child: ChildProcess): Promise<void> {
  for await (const said of createInterface({ input: child.stdout! }))
    if (said.startsWith('FlowForge is ready')) return void child.stdout!.resume()
  throw new Error('the server ended before it was ready')
}

async function startClients(order: WatchingOrder) {
  const thread = new Worker(new URL('watching-clients.ts', import.meta.url), { workerData: order })
  const failed = once(thread, 'error').then(([error]) => {
    throw error
  })
  const say = async <T>(): Promise<T> => {
    const [message] = await Promise.race([once(thread, 'message'), failed])
    return message
  }
  await say<'watching'>()
  return {
    report: async (): Promise<WatchingReport> => {
      const report = await say<WatchingReport>()
      await thread.terminate()
      return report
    },
  }
}

function sampleServer(pid: number) {
  const before = residentMegabytes(pid)
  const [cpuBefore, began] = [cpuSeconds(pid), now()]
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, residentMegabytes(pid))
  }, SAMPLE_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      const cores = (cpuSeconds(pid) - cpuBefore) / ((now() - began) / 1000)
      return {
        megabytes: { before, peak, after: residentMegabytes(pid) },
        cores: Math.round(cores * 100) / 100,
      }
    },
  }
}

/** proc_pid_status(5). */
const residentMegabytes = (pid: number): number =>
  Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024)

/** User and system time in clock ticks of 10 ms: proc_pid_stat(5). */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}

export function printWatchers(results: WatchersResult[]): void {
  for (const result of results) {
    const { p50, p99, max } = result.latencyMs
    const { before, peak, after } = result.serverMegabytes
    process.stdout.write(
      `${result.watchers} watchers over ${result.via}, ${result.eventsPerSecond} events/s for ${result.seconds} s: ` +
        `${result.delivered} of ${result.expected} delivered, ${result.deliveredPerSecond}/s; ` +
        `commit to client p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms; ` +
        `server ${before} MB before, ${peak} MB at most, ${after} MB after, ${result.serverCores} cores\n`,
    )
  }
}
