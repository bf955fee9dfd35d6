// A stand-in for the FlowForge server that speaks its protocol from memory and serves dist/: for developing and testing the
// console. Run it: node packages/web/test/peer.ts [PORT]; sign in with the key ffk_peer.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Job, JobEvent } from '@flowforge/protocol'
import { WebSocketServer } from 'ws'
import { invalid, Problem, paged, readBody, send, serveFile } from './peer-http.ts'
import { createPeerJobs, type PeerJobs } from './peer-jobs.ts'
import { NEXT_RUN, newSchedule, previewOf, type Schedule } from './peer-schedules.ts'
import { BASE, HEAD } from './peer-story.ts'
import { diff } from './peer-texts.ts'

export const PEER_KEY = 'ffk_peer'
export interface Peer {
  url: string
  jobs: PeerJobs
  schedules: Schedule[]
  repositories: { id: string; name: string; url: string | null; defaultBranch: string; createdAt: string }[]
  /** Bodies of replies and decisions. */
  said: unknown[]
  /** Cuts every open stream and socket, as a restarting server would. */
  cut(): void
  close(): Promise<void>
}

export async function startPeer({
  dist,
  port = 0,
  speed = 1,
  scriptedModel = false,
}: {
  dist: string
  port?: number
  speed?: number
  scriptedModel?: boolean
}): Promise<Peer> {
  const sessions = new Set<string>()
  const jobs = createPeerJobs({ speed, scriptedModel })
  const schedules: Schedule[] = []
  const repositories: Peer['repositories'] = []
  const keys = [
    {
      id: 'k1',
      name: 'Bootstrap',
      start: 'ffk_peer',
      createdAt: new Date(Date.now() - 864e5).toISOString(),
      lastUsedAt: new Date().toISOString(),
    },
  ]
  const answers = new Map<string, unknown>()
  const said: unknown[] = []
  const streams = new Set<ServerResponse>()

  const sessionOf = (request: IncomingMessage) =>
    /(?:^|; )ff_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]

  async function api(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const method = request.method ?? 'GET'
    const body =
      method === 'POST' || method === 'PATCH' ? ((await readBody(request)) as Record<string, unknown>) : {}
    const path = url.pathname.replace(/^\/api\/(v1\/)?/, '')
    if (path === 'auth/sign-in/api-key') {
      if (body.key !== PEER_KEY) throw new Problem(401, 'not_signed_in', 'This key is not valid')
      const session = randomUUID()
      sessions.add(session)
      response.setHeader('Set-Cookie', `ff_session=${session}; HttpOnly; SameSite=Lax; Path=/`)
      return send(response, 200, {})
    }
    if (!sessions.has(sessionOf(request) ?? ''))
      throw new Problem(401, 'not_signed_in', 'Sign in, or send an API key')
    if (path === 'auth/sign-out') {
      sessions.clear()
      return send(response, 200, {})
    }
    const once = request.headers['idempotency-key']
    if (typeof once === 'string' && answers.has(once)) return send(response, 201, answers.get(once))
    const [noun, id = '', verb] = path.split('/')
    const entry = noun === 'jobs' && id ? jobs.get(id) : undefined
    if (noun === 'jobs' && id && !entry) throw new Problem(404, 'job_not_found', 'There is no such job')
    const route = `${method} ${noun}${id && '/:id'}${verb ? `/${verb}` : ''}`
    const created = (value: unknown) => {
      if (typeof once === 'string') answers.set(once, value)
      return send(response, 201, value)
    }
    switch (route) {
      case 'GET me':
        return send(response, 200, {
          user: { id: 'u1', name: 'Ada', email: 'ada@example.com' },
          organization: { id: 'org1', slug: 'default', name: 'Acme' },
          role: 'owner',
          via: 'session',
        })
      case 'GET system': {
        const count = (state: Job['state']) => jobs.all().filter(({ job }) => job.state === state).length
        return send(response, 200, {
          version: '0.1.0',
          executor: 'docker',
          workers: 1,
          scriptedModel,
          isolation: 'full',
          queue: { queued: count('queued'), running: count('running') },
        })
      }
      case 'GET jobs': {
        const wanted = jobs
          .all()
          .map(({ job }) => job)
          .filter(job => !url.searchParams.get('state') || job.state === url.searchParams.get('state'))
          .filter(
            job =>
              !url.searchParams.get('repositoryId') ||
              job.repositoryId === url.searchParams.get('repositoryId'),
          )
        return send(response, 200, paged(wanted, url))
      }
      case 'POST jobs':
        validateJob(body, repositories)
        return created(jobs.submit(body as Partial<Job>))
      case 'GET jobs/:id':
        return send(response, 200, entry?.job)
      case 'PATCH jobs/:id':
        if (typeof body.budgetUsd === 'number' && body.budgetUsd < entry!.job.costUsd)
          throw invalid('budgetUsd', 'is below what is spent')
        return send(response, 200, Object.assign(entry!.job, body))
      case 'POST jobs/:id/cancel':
        return send(response, 200, jobs.cancel(id))
      case 'POST jobs/:id/reply': {
        said.push(body)
        jobs.tell(id, { type: 'reply.received', data: { text: String(body.text ?? ''), by: 'Ada' } })
        return created(jobs.get(id)?.job)
      }
      case 'POST jobs/:id/approve': {
        said.push(body)
        const { requestId, decision } = body as { requestId: string; decision: 'allow' | 'deny' }
        jobs.tell(id, { type: 'approval.decided', data: { requestId, decision } })
        return created(jobs.tell(id, { type: 'job.resumed', data: {} }))
      }
      case 'GET jobs/:id/diff':
        return send(response, 200, {
          base: BASE,
          head: HEAD,
          stat: { filesChanged: 4, insertions: 11, deletions: 4 },
          diff,
          truncated: false,
        })
      case 'GET jobs/:id/events': {
        const after = Number(url.searchParams.get('after') ?? 0)
        const limit = Number(url.searchParams.get('limit') ?? 100)
        const rest = entry?.events.slice(after) ?? []
        return send(response, 200, {
          data: rest.slice(0, limit),
          nextCursor: null,
          hasMore: rest.length > limit,
        })
      }
      case 'GET jobs/:id/stream':
        return stream(
          request,
          response,
          id,
          Number(request.headers['last-event-id'] ?? url.searchParams.get('after') ?? 0),
        )
      case 'GET jobs/:id/attempts':
        return send(response, 200, { data: [], nextCursor: null, hasMore: false })
      case 'GET jobs/:id/relations': {
        const needs = entry?.job.needs ?? []
        const others = jobs.all().map(({ job }) => job)
        return send(response, 200, {
          needs: others.filter(job => needs.includes(job.id)),
          dependents: others.filter(job => job.needs.includes(id)),
        })
      }
      case 'GET schedules':
        return send(response, 200, paged(schedules, url))
      case 'GET schedules/:id':
        return send(response, 200, previewOf(url))
      case 'POST schedules': {
        if (schedules.some(({ name }) => name === body.name)) throw invalid('name', 'This name is taken')
        const schedule = newSchedule(body as Partial<Schedule>)
        schedules.push(schedule)
        return created(schedule)
      }
      case 'PATCH schedules/:id': {
        const schedule = schedules.find(one => one.id === id)!
        Object.assign(schedule, body)
        schedule.nextRunAt = schedule.enabled ? NEXT_RUN : null
        return send(response, 200, schedule)
      }
      case 'DELETE schedules/:id':
        schedules.splice(
          schedules.findIndex(one => one.id === id),
          1,
        )
        return send(response, 204)
      case 'POST schedules/:id/run': {
        const { job, repositoryId } = schedules.find(one => one.id === id)!
        return created(
          jobs.submit({ task: job.task, repositoryId: repositoryId ?? '', scheduleId: id } as Partial<Job>),
        )
      }
      case 'GET repositories':
        return send(response, 200, paged(repositories, url))
      case 'POST repositories': {
        if (!/^[\w.-]+$/.test(String(body.name)))
          throw invalid('name', 'Use letters, digits, dots, dashes and underscores')
        const repository = {
          id: randomUUID(),
          name: String(body.name),
          url: (body.url as string) ?? null,
          defaultBranch: 'main',
          createdAt: new Date().toISOString(),
        }
        repositories.push(repository)
        return created(repository)
      }
      case 'DELETE repositories/:id':
        repositories.splice(
          repositories.findIndex(repository => repository.id === id),
          1,
        )
        return send(response, 204)
      case 'GET api-keys':
        return send(response, 200, paged(keys, url))
      case 'POST api-keys': {
        const key = {
          id: randomUUID(),
          name: String(body.name),
          start: 'ffk_a1b2',
          createdAt: new Date().toISOString(),
          lastUsedAt: '',
        }
        keys.push(key)
        return created({ ...key, key: `ffk_${randomUUID().replaceAll('-', '')}` })
      }
      case 'DELETE api-keys/:id':
        keys.splice(
          keys.findIndex(key => key.id === id),
          1,
        )
        return send(response, 204)
      default:
        throw new Problem(404, 'not_found', 'There is no such thing here')
    }
  }

  function stream(request: IncomingMessage, response: ServerResponse, jobId: string, after: number) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    const write = (event: JobEvent) =>
      response.write(`${event.seq ? `id: ${event.seq}\n` : ''}data: ${JSON.stringify(event)}\n\n`)
    for (const event of jobs.get(jobId)?.events.slice(after) ?? []) write(event)
    const stop = jobs.onEvent(event => event.jobId === jobId && write(event))
    streams.add(response)
    request.on('close', () => {
      streams.delete(response)
      stop()
    })
  }

  const server = createServer(async (request, response) => {
    try {
      const url = new URL(request.url ?? '/', 'http://peer')
      if (url.pathname.startsWith('/api/')) await api(request, response, url)
      else await serveFile(dist, url.pathname, response)
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem(500, 'internal_error', String(error))
      send(response, problem.status, problem.body, 'application/problem+json')
    }
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (!sessions.has(sessionOf(request) ?? '')) return socket.destroy()
    sockets.handleUpgrade(request, socket, head, live => {
      const stop = jobs.onEvent(event => event.seq !== undefined && live.send(JSON.stringify(event)))
      live.on('close', stop)
    })
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const cut = () => {
    for (const open of streams) open.destroy()
    for (const live of sockets.clients) live.terminate()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    jobs,
    repositories,
    said,
    schedules,
    cut,
    async close() {
      jobs.close()
      cut()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function validateJob(body: Record<string, unknown>, repositories: Peer['repositories']) {
  if (!repositories.some(({ id }) => id === body.repositoryId))
    throw invalid('repositoryId', 'There is no such repository')
  if (body.baseBranch === 'nope')
    throw invalid('baseBranch', 'The base branch nope does not exist. The repository has: main, release')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = fileURLToPath(new URL('../dist', import.meta.url))
  const peer = await startPeer({ dist, port: Number(process.argv[2] ?? 7420) })
  process.stdout.write(`Peer at ${peer.url}, key ${PEER_KEY}\n`)
}
