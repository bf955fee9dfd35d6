// Jobs in memory: submitted, played from a story, cancelled; with numbered events and subscribers. No HTTP.
import { randomUUID } from 'node:crypto'
import type { Job, JobEvent, NewEvent } from '@flowforge/protocol'
import type { Beat } from './peer-beats.ts'
import { BASE, failure, HEAD, success } from './peer-story.ts'

export interface PeerJob {
  job: Job
  events: JobEvent[]
}

export interface PeerJobs {
  all(): PeerJob[]
  get(id: string): PeerJob | undefined
  submit(body: Partial<Job>, options?: SubmitOptions): Job
  cancel(id: string): Job | undefined
  /** Tells one event more, as if it happened now. */
  tell(id: string, event: NewEvent): Job | undefined
  /** Every event of every job, deltas too. */
  onEvent(listener: (event: JobEvent) => void): () => void
  close(): void
}

interface SubmitOptions {
  /** `hold`: stays queued. */
  story?: 'success' | 'failure' | 'hold'
  /** Played at once, as if it had happened this long ago. */
  agoMs?: number
  /** Only this many beats, at once: stands still in the middle. */
  beats?: number
}

export function createPeerJobs({
  speed,
  scriptedModel,
}: {
  speed: number
  scriptedModel: boolean
}): PeerJobs {
  const jobs = new Map<string, PeerJob>()
  const listeners = new Set<(event: JobEvent) => void>()
  const timers = new Map<string, ReturnType<typeof setTimeout>>()

  function emit(entry: PeerJob, event: NewEvent, at = new Date()) {
    const numbered = {
      ...event,
      ...(event.type === 'claude.text.delta' ? {} : { seq: entry.events.length + 1 }),
      jobId: entry.job.id,
      attempt: entry.job.attempt,
      at: at.toISOString(),
    } as JobEvent
    applyEvent(entry.job, numbered)
    if (numbered.seq !== undefined) entry.events.push(numbered)
    for (const listener of listeners) listener(numbered)
  }

  function play(entry: PeerJob, story: Beat[], at = 0) {
    const beat = story[at]
    if (!beat) return
    const [afterMs, event] = beat
    timers.set(
      entry.job.id,
      setTimeout(() => {
        emit(entry, event)
        play(entry, story, at + 1)
      }, afterMs / speed),
    )
  }

  function tell(entry: PeerJob, story: Beat[], startedAt: number) {
    let at = startedAt
    for (const [afterMs, event] of story) {
      at += afterMs * 6
      if (event.type !== 'claude.text.delta') emit(entry, event, new Date(at))
    }
  }

  return {
    all: () => [...jobs.values()].sort((a, b) => b.job.number - a.job.number),
    get: id => jobs.get(id),
    submit(body, { story = 'success', agoMs, beats } = {}) {
      const begun = Date.now() - (agoMs ?? 0)
      const entry: PeerJob = { job: newJob(jobs.size + 1, body, begun, scriptedModel), events: [] }
      jobs.set(entry.job.id, entry)
      const { task, repositoryId, baseBranch, branch } = entry.job
      emit(entry, { type: 'job.created', data: { task, repositoryId, baseBranch, branch } }, new Date(begun))
      emit(entry, { type: 'job.queued', data: {} }, new Date(begun))
      const beatsOf = story === 'failure' ? failure : success
      if (story === 'hold') return entry.job
      if (agoMs !== undefined) tell(entry, beatsOf.slice(0, beats), begun)
      else play(entry, beatsOf)
      return entry.job
    },
    tell(id, event) {
      const entry = jobs.get(id)
      if (entry) emit(entry, event)
      return entry?.job
    },
    cancel(id) {
      const entry = jobs.get(id)
      if (!entry) return undefined
      clearTimeout(timers.get(id))
      emit(entry, {
        type: 'job.cancelled',
        data: {
          by: 'owner',
          reason: { code: 'cancelled_by_user', message: 'Cancelled by Ada. Nothing was pushed.' },
        },
      })
      return entry.job
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

function newJob(number: number, body: Partial<Job>, begun: number, scriptedModel: boolean): Job {
  return {
    id: randomUUID(),
    number,
    organizationId: 'org1',
    createdBy: 'user1',
    state: 'queued',
    task: '',
    repositoryId: '',
    baseBranch: 'main',
    baseCommit: null,
    branch: `flowforge/${number}-job`,
    priority: 'normal',
    attempt: 0,
    turn: 1,
    planFirst: false,
    questions: 'ask',
    queuePosition: 1,
    costUsd: 0,
    tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    model: null,
    scriptedModel,
    verify: [],
    setup: [],
    needs: [],
    cache: false,
    timeoutSeconds: 3_600,
    queueTimeoutSeconds: null,
    maxAttempts: 2,
    budgetUsd: null,
    createdAt: new Date(begun).toISOString(),
    ...Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)),
  }
}

function applyEvent(job: Job, event: JobEvent) {
  switch (event.type) {
    case 'job.started':
      Object.assign(job, {
        state: 'running',
        startedAt: event.at,
        attempt: 1,
        baseCommit: BASE,
        queuePosition: undefined,
      })
      event.attempt = 1
      break
    case 'job.stage':
      job.stage = event.data.stage
      break
    case 'claude.usage':
      job.costUsd += event.data.costUsd
      job.tokens.input += event.data.inputTokens
      job.tokens.output += event.data.outputTokens
      job.tokens.cacheRead += event.data.cacheReadTokens
      job.tokens.cacheWrite += event.data.cacheWriteTokens
      break
    case 'job.waiting':
      Object.assign(job, { state: 'waiting', waitingFor: event.data.waitingFor })
      break
    case 'job.resumed':
      Object.assign(job, { state: 'running', waitingFor: undefined })
      break
    case 'job.succeeded':
      Object.assign(job, {
        state: 'succeeded',
        headCommit: HEAD,
        finishedAt: event.at,
        stage: undefined,
        result: event.data.result,
      })
      break
    case 'job.failed':
      Object.assign(job, {
        state: 'failed',
        finishedAt: event.at,
        stage: undefined,
        reason: event.data.reason,
      })
      break
    case 'job.cancelled':
      Object.assign(job, {
        state: 'cancelled',
        finishedAt: event.at,
        stage: undefined,
        queuePosition: undefined,
        reason: event.data.reason,
      })
      break
    default:
  }
}
