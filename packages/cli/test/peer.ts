// A server that speaks FlowForge's HTTP API from memory, for tests of the CLI as a process: jobs with scripted stories,
// Server-Sent Events, and hosted repositories over Git's own smart HTTP. Knows nothing of the real server's code.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type {
  ApiKey,
  Approval,
  DoctorCheck,
  Job,
  JobEvent,
  NewBatch,
  NewJob,
  Reason,
  Repository,
  Schedule,
  ScheduleRun,
} from '@flowforge/sdk'
import { serveGit } from './peer-git.ts'

export const TOKEN = 'ffk_test_0123456789'

/** Plays a job: tells its events and changes its state. Called when the job has been submitted. */
export type Story = (play: Play) => void | Promise<void>

export interface Play {
  job: Job
  tell(type: string, data: unknown): void
  /** Has the job ask a person, and wait. */
  ask(kind: Approval['kind'], input: unknown): void
  succeed(change?: Partial<Job>): void
  fail(code: Reason['code'], message: string, next?: string): void
}

/** The usual story: one message, one tool, a change. */
export const work = ({ tell, succeed, job }: Play) => {
  tell('job.started', { workerId: 'w1' })
  tell('job.stage', { stage: 'working' })
  tell('claude.message', { text: 'I found the bug.' })
  tell('claude.tool.started', { toolUseId: 't1', name: 'Bash', input: { command: 'npm test' } })
  tell('claude.tool.finished', { toolUseId: 't1', ok: true, output: '', durationMs: 800 })
  const result = { summary: 'Fixed the bug.', filesChanged: 2, insertions: 3, deletions: 1, verify: [] }
  succeed({ headCommit: 'c'.repeat(40), branch: job.branch, result })
}

export interface Peer extends AsyncDisposable {
  url: string
  jobs: Job[]
  repositories: Repository[]
  keys: ApiKey[]
  schedules: Schedule[]
  scheduleRuns: ScheduleRun[]
  checks: DoctorCheck[]
  diff: string
  /** `METHOD /path`, in order. */
  requests: string[]
  submissions: NewJob[]
  /** Of all jobs. */
  approvals: Approval[]
  /** Bodies of replies and decisions. */
  said: unknown[]
  story: Story
  play(job: Job): Play
  /** Cuts every open event stream, as a restart would. */
  cutStreams(): void
}

interface Route {
  method: string
  path: RegExp
  answer: (parameters: string[], body: unknown, request: IncomingMessage, response: ServerResponse) => void
}

export async function startPeer(options: { gitRoot?: string } = {}): Promise<Peer> {
  const events = new Map<string, JobEvent[]>()
  const streams = new Set<{ jobId: string; response: ServerResponse }>()
  const peer = {
    url: '',
    jobs: [] as Job[],
    repositories: [] as Repository[],
    keys: [] as ApiKey[],
    schedules: [] as Schedule[],
    scheduleRuns: [] as ScheduleRun[],
    checks: [] as DoctorCheck[],
    diff: '',
    requests: [] as string[],
    submissions: [] as NewJob[],
    approvals: [] as Approval[],
    said: [] as unknown[],
    story: (({ tell, succeed }) => {
      tell('job.queued', {})
      succeed()
    }) as Story,
  }

  const tell = (job: Job, type: string, data: unknown) => {
    const log = events.get(job.id)!
    const event = {
      seq: log.length + 1,
      jobId: job.id,
      attempt: 1,
      type,
      at: new Date().toISOString(),
      data,
    } as JobEvent
    log.push(event)
    for (const stream of streams) if (stream.jobId === job.id) sendEvent(stream.response, event)
  }
  const finish = (job: Job, change: Partial<Job>) =>
    Object.assign(job, { startedAt: job.createdAt, finishedAt: new Date().toISOString(), ...change })
  const play = (job: Job): Play => ({
    job,
    tell: (type, data) => tell(job, type, data),
    ask: (kind, input) => {
      const requestId = randomUUID()
      const requestedAt = new Date().toISOString()
      peer.approvals.push({ requestId, kind, input, attempt: 1, status: 'pending', requestedAt })
      const waitingFor = kind === 'tool' ? 'question' : kind
      Object.assign(job, { state: 'waiting', waitingFor })
      tell(job, 'approval.requested', { requestId, kind, input })
      tell(job, 'job.waiting', { waitingFor })
    },
    succeed: change => {
      const result = { summary: 'Done.', filesChanged: 0, insertions: 0, deletions: 0, verify: [] }
      finish(job, { state: 'succeeded', result, ...change })
      tell(job, 'job.succeeded', { branch: job.branch, headCommit: job.headCommit, result: job.result })
    },
    fail: (code, message, next) => {
      const reason = { code, message, ...(next ? { next } : {}) }
      finish(job, { state: 'failed', reason })
      tell(job, 'job.failed', { reason })
    },
  })

  const findJob = (reference: string | undefined, response: ServerResponse): Job | undefined => {
    const job = peer.jobs.find(({ id, number }) => id === reference || String(number) === reference)
    if (!job) problem(response, 404, 'job_not_found', `There is no job ${reference}.`)
    return job
  }

  const routes: Route[] = [
    {
      method: 'GET',
      path: /^\/me$/,
      answer: (_p, _b, _r, response) =>
        json(response, 200, {
          user: { id: 'u1', name: 'Ada', email: 'ada@example.org' },
          organization: { id: 'o1', slug: 'default', name: 'Default' },
          role: 'owner',
          via: 'apiKey',
        }),
    },
    {
      method: 'GET',
      path: /^\/doctor$/,
      answer: (_p, _b, _r, response) => json(response, 200, { checks: peer.checks }),
    },
    {
      method: 'GET',
      path: /^\/repositories$/,
      answer: (_p, _b, _r, response) => json(response, 200, page(peer.repositories)),
    },
    {
      method: 'GET',
      path: /^\/repositories\/([^/]+)$/,
      answer: ([id], _b, _r, response) => {
        const repository = peer.repositories.find(candidate => candidate.id === id)
        if (repository) json(response, 200, repository)
        else problem(response, 404, 'repository_not_found', 'There is no such repository.')
      },
    },
    {
      method: 'POST',
      path: /^\/repositories$/,
      answer: (_p, body, _r, response) => {
        const { name, url = null } = body as { name: string; url?: string }
        if (url?.startsWith('ext::')) {
          problem(response, 422, 'repository_url_invalid', `${url} is not a Git URL that FlowForge can use.`)
          return
        }
        const repository = newRepository(name, url)
        peer.repositories.push(repository)
        json(response, 201, repository)
      },
    },
    {
      method: 'DELETE',
      path: /^\/repositories\/([^/]+)$/,
      answer: ([id], _b, _r, response) => {
        peer.repositories.splice(
          peer.repositories.findIndex(candidate => candidate.id === id),
          1,
        )
        response.writeHead(204).end()
      },
    },
    {
      method: 'GET',
      path: /^\/schedules$/,
      answer: (_p, _b, _r, response) => json(response, 200, page(peer.schedules)),
    },
    {
      method: 'POST',
      path: /^\/schedules$/,
      answer: (_p, body, _r, response) => {
        const schedule = newSchedule(body as Partial<Schedule>)
        if (schedule.cron.startsWith('0 0 30 2')) {
          problem(response, 422, 'schedule_invalid', `cron: "${schedule.cron}" is never due.`)
          return
        }
        peer.schedules.push(schedule)
        json(response, 201, schedule)
      },
    },
    {
      method: 'PATCH',
      path: /^\/schedules\/([^/]+)$/,
      answer: ([id], body, _r, response) =>
        json(
          response,
          200,
          Object.assign(peer.schedules.find(schedule => schedule.id === id)!, body as Partial<Schedule>),
        ),
    },
    {
      method: 'DELETE',
      path: /^\/schedules\/([^/]+)$/,
      answer: ([id], _b, _r, response) => {
        peer.schedules.splice(
          peer.schedules.findIndex(schedule => schedule.id === id),
          1,
        )
        response.writeHead(204).end()
      },
    },
    {
      method: 'GET',
      path: /^\/schedules\/([^/]+)\/runs$/,
      answer: (_p, _b, _r, response) => json(response, 200, page(peer.scheduleRuns)),
    },
    {
      method: 'POST',
      path: /^\/schedules\/([^/]+)\/run$/,
      answer: ([id], _b, _r, response) => {
        const { job, repositoryId } = peer.schedules.find(schedule => schedule.id === id)!
        peer.jobs.push(newJob({ ...job, repositoryId: repositoryId! }, peer.jobs.length + 1))
        json(response, 201, peer.jobs.at(-1))
      },
    },
    {
      method: 'GET',
      path: /^\/api-keys$/,
      answer: (_p, _b, _r, response) => json(response, 200, page(peer.keys)),
    },
    {
      method: 'POST',
      path: /^\/api-keys$/,
      answer: (_p, body, _r, response) => {
        const { name } = body as { name: string }
        const key = {
          id: `key_${peer.keys.length + 1}`,
          name,
          start: 'ffk_ab',
          createdAt: new Date().toISOString(),
          lastUsedAt: null,
          expiresAt: null,
        }
        peer.keys.push(key)
        json(response, 201, { ...key, key: 'ffk_abcdef' })
      },
    },
    {
      method: 'DELETE',
      path: /^\/api-keys\/([^/]+)$/,
      answer: ([id], _b, _r, response) => {
        peer.keys.splice(
          peer.keys.findIndex(candidate => candidate.id === id),
          1,
        )
        response.writeHead(204).end()
      },
    },
    {
      method: 'POST',
      path: /^\/jobs$/,
      answer: (_p, body, _r, response) => {
        const submission = body as NewJob
        peer.submissions.push(submission)
        const job = newJob(submission, peer.jobs.length + 1)
        peer.jobs.push(job)
        events.set(job.id, [])
        const { task, repositoryId, baseBranch, branch } = job
        tell(job, 'job.created', { task, repositoryId, baseBranch, branch })
        json(response, 201, job)
        void peer.story(play(job))
      },
    },
    {
      method: 'POST',
      path: /^\/jobs\/batch$/,
      answer: (_p, body, _r, response) => {
        const submissions = (body as NewBatch).jobs
        peer.submissions.push(...submissions)
        const jobs = submissions.map((submission, index) =>
          newJob({ ...submission, needs: [] }, peer.jobs.length + index + 1),
        )
        peer.jobs.push(...jobs)
        json(response, 201, { jobs })
      },
    },
    {
      method: 'PATCH',
      path: /^\/jobs\/([^/]+)$/,
      answer: ([id], body, _r, response) => {
        const job = findJob(id, response)
        if (!job) return
        if (job.finishedAt)
          problem(response, 409, 'job_state_conflict', `Job #${job.number} is ${job.state}.`)
        else json(response, 200, Object.assign(job, body as Partial<Job>))
      },
    },
    {
      method: 'GET',
      path: /^\/jobs$/,
      answer: (_p, _b, request, response) => {
        const { searchParams } = new URL(request.url ?? '', peer.url)
        const state = searchParams.get('state')
        const matching = peer.jobs.filter(job => state === null || job.state === state)
        json(response, 200, page([...matching].reverse()))
      },
    },
    {
      method: 'GET',
      path: /^\/jobs\/([^/]+)$/,
      answer: ([id], _b, _r, response) => {
        const job = findJob(id, response)
        if (job) json(response, 200, job)
      },
    },
    {
      method: 'POST',
      path: /^\/jobs\/([^/]+)\/cancel$/,
      answer: ([id], _b, _r, response) => {
        const job = findJob(id, response)
        if (!job) return
        if (job.finishedAt) {
          problem(response, 409, 'job_state_conflict', `Job ${job.number} has ended.`)
          return
        }
        finish(job, { state: 'cancelled', reason: { code: 'cancelled_by_user', message: 'Cancelled' } })
        tell(job, 'job.cancelled', { by: 'Ada' })
        json(response, 200, job)
      },
    },
    {
      method: 'GET',
      path: /^\/jobs\/([^/]+)\/approvals$/,
      answer: (_p, _b, _r, response) =>
        json(response, 200, { data: peer.approvals, nextCursor: null, hasMore: false }),
    },
    {
      method: 'POST',
      path: /^\/jobs\/([^/]+)\/(reply|approve)$/,
      answer: ([id], body, _r, response) => {
        const job = findJob(id, response)
        if (!job) return
        peer.said.push(body)
        for (const approval of peer.approvals) {
          if (approval.status === 'pending')
            tell(job, 'approval.decided', { requestId: approval.requestId, decision: 'allow' })
          approval.status = 'decided'
        }
        json(response, 200, Object.assign(job, { state: 'running', waitingFor: undefined }))
      },
    },
    {
      method: 'POST',
      path: /^\/jobs\/([^/]+)\/(retry|interrupt)$/,
      answer: ([id, act], _b, _r, response) => {
        const job = findJob(id, response)
        if (!job) return
        if ((act === 'retry') !== (job.state === 'failed')) {
          problem(response, 409, 'job_state_conflict', `Job ${job.number} is ${job.state}.`)
          return
        }
        json(response, 200, act === 'retry' ? Object.assign(job, { state: 'queued' }) : job)
      },
    },
    {
      method: 'GET',
      path: /^\/jobs\/([^/]+)\/diff$/,
      answer: ([id], _b, _r, response) => {
        if (!findJob(id, response)) return
        const stat = { filesChanged: 1, insertions: 1, deletions: 1 }
        json(response, 200, {
          base: 'a'.repeat(40),
          head: 'b'.repeat(40),
          stat,
          diff: peer.diff,
          truncated: false,
        })
      },
    },
    {
      method: 'GET',
      path: /^\/jobs\/([^/]+)\/events$/,
      answer: ([id], _b, request, response) => {
        const job = findJob(id, response)
        if (!job) return
        const { searchParams } = new URL(request.url ?? '', peer.url)
        const limit = Number(searchParams.get('limit') ?? 500)
        const rest = events.get(job.id)!.filter(event => event.seq! > Number(searchParams.get('after') ?? 0))
        const data = rest.slice(0, limit)
        json(response, 200, { data, nextCursor: null, hasMore: rest.length > limit })
      },
    },
    {
      method: 'GET',
      path: /^\/jobs\/([^/]+)\/stream$/,
      answer: ([id], _b, request, response) => {
        const job = findJob(id, response)
        if (!job) return
        const after = Number(request.headers['last-event-id'] ?? 0)
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const event of events.get(job.id)!) if (event.seq! > after) sendEvent(response, event)
        const stream = { jobId: job.id, response }
        streams.add(stream)
        response.on('close', () => streams.delete(stream))
      },
    },
  ]

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://peer')
    peer.requests.push(`${request.method} ${pathname}`)
    if (options.gitRoot !== undefined && pathname.startsWith('/git/')) {
      serveGit(request, response, { root: options.gitRoot, token: TOKEN })
      return
    }
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      problem(response, 401, 'not_signed_in', 'Sign in, or send an API key')
      return
    }
    const path = pathname.replace(/^\/api\/v1/, '')
    const route = routes.find(candidate => candidate.method === request.method && candidate.path.test(path))
    if (!route) {
      problem(response, 404, 'not_found', 'There is no such thing here')
      return
    }
    const parameters = route.path.exec(path)!.slice(1).map(decodeURIComponent)
    route.answer(parameters, await readJson(request), request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  peer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return Object.assign(peer, {
    play,
    cutStreams: () => {
      for (const { response } of streams) response.destroy()
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  })
}

export const newRepository = (name: string, url: string | null): Repository => ({
  id: randomUUID(),
  organizationId: 'o1',
  name,
  url,
  defaultBranch: url === null ? null : 'main',
  hasCredential: false,
  settings: {},
  maxRunning: null,
  egress: { allow: [] },
  gitUrl: `/git/default/${name}.git`,
  createdAt: '2026-01-01T00:00:00Z',
})

const newSchedule = (wanted: Partial<Schedule>): Schedule => ({
  id: randomUUID(),
  organizationId: 'o1',
  name: '',
  repositoryId: null,
  cron: '@daily',
  timezone: 'UTC',
  description: 'at 03:00, every day',
  job: { task: '' },
  overlap: 'skip',
  missed: 'run_once',
  enabled: true,
  nextRunAt: '2030-01-01T02:00:00.000Z',
  lastRunAt: null,
  lastJobId: null,
  lastError: null,
  createdBy: 'u1',
  createdAt: '2026-01-01T00:00:00Z',
  ...wanted,
})

function newJob(submission: NewJob, number: number): Job {
  return {
    id: randomUUID(),
    number,
    organizationId: 'o1',
    createdBy: 'u1',
    state: 'queued',
    baseBranch: 'main',
    baseCommit: null,
    branch: `flowforge/${number}-task`,
    priority: 'normal',
    attempt: 1,
    turn: 1,
    planFirst: false,
    questions: 'ask',
    costUsd: 0.0123,
    tokens: { input: 1200, output: 34, cacheRead: 0, cacheWrite: 0 },
    model: null,
    scriptedModel: false,
    verify: [],
    setup: [],
    needs: [],
    cache: false,
    timeoutSeconds: 3600,
    queueTimeoutSeconds: null,
    maxAttempts: 2,
    budgetUsd: null,
    createdAt: new Date().toISOString(),
    ...submission,
  }
}

const page = <T>(data: T[]) => ({ data, nextCursor: null, hasMore: false })

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function problem(response: ServerResponse, status: number, code: string, detail: string): void {
  const body = { type: 'about:blank', title: detail, status, detail, code, requestId: 'req_1' }
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body))
}

const sendEvent = (response: ServerResponse, event: JobEvent) =>
  response.write(`id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? undefined : JSON.parse(text)
}
