// What must be true of every job, whatever died: its events have no gap, they are a walk through the transition table that
// ends where the row says, and its attempts agree with both. Empty: all is well.
import { isTerminal, type JobEvent, type JobState } from '@flowforge/protocol'
import type { AttemptRow } from '../store/attempts.ts'
import { listAttempts } from '../store/attempts.ts'
import type { JobRow } from '../store/jobs.ts'
import { type Act, after } from './states.ts'
import type { Scene } from './testing-scene.ts'

/** `finished`: nobody is at work any more, so that each job has come to its end. */
export async function findViolations(scene: Scene, { finished }: { finished: boolean }): Promise<string[]> {
  const found: string[] = []
  for (const job of await scene.jobs()) {
    const story = await scene.story(job.id)
    const attempts = await scene.database.acrossOrganizations(tx =>
      listAttempts(tx, job.organization_id, job.id),
    )
    const wrong = [
      ...numbering(job, story),
      ...walk(job, story),
      ...attemptsOf(job, story, attempts),
      ...(finished ? theEnd(job, attempts) : []),
    ]
    const told = story.map(event => event.type).join(' ')
    found.push(...wrong.map(text => `job ${job.number} (${job.state}): ${text} [${told}]`))
  }
  return found
}

const numbering = (job: JobRow, story: JobEvent[]): string[] => [
  ...(story.every((event, index) => event.seq === index + 1) ? [] : ['its events have a gap']),
  ...(story.length === job.last_seq ? [] : [`last_seq is ${job.last_seq}, events are ${story.length}`]),
]

function walk(job: JobRow, story: JobEvent[]): string[] {
  let state: JobState = 'pending'
  let before: JobEvent['type'] | null = null
  for (const event of story) {
    const act = actOf(event, state, before)
    before = event.type
    if (act === null) continue
    try {
      state = after(state, act)
    } catch {
      return [`event ${event.seq} ${event.type} can not follow in state ${state}`]
    }
  }
  return state === job.state ? [] : [`its events lead to ${state}`]
}

const TELL_OF_THE_QUEUE: Array<JobEvent['type'] | null> = ['job.retried', 'job.reopened']

/** Which act an event tells of; null: it changes no state. */
function actOf(event: JobEvent, state: JobState, before: JobEvent['type'] | null): Act | null {
  switch (event.type) {
    case 'job.queued':
      // These tell of themselves and of the queue that they lead to.
      if (state === 'waiting') return 'requeue'
      return TELL_OF_THE_QUEUE.includes(before) && state === 'queued' ? null : 'release'
    case 'job.pending':
      return state === 'pending' ? null : 'postpone'
    case 'job.started':
      return 'claim'
    case 'job.waiting':
      return 'park'
    case 'job.resumed':
      return 'resume'
    case 'job.reopened':
      return 'reopen'
    case 'job.retried':
      return event.data.automatic ? 'requeue' : 'retry'
    case 'job.succeeded':
      return 'succeed'
    case 'job.failed':
      return 'fail'
    case 'job.cancelled':
      return 'cancel'
    default:
      return null
  }
}

function attemptsOf(job: JobRow, story: JobEvent[], attempts: AttemptRow[]): string[] {
  const live = attempts.filter(attempt => attempt.ended_at === null)
  const started = story.filter(event => event.type === 'attempt.started')
  const lost = story.filter(event => event.type === 'attempt.lost')
  return [
    ...(live.length > 1 ? [`${live.length} attempts live`] : []),
    ...(live.length > 0 !== (job.state === 'running' || (job.state === 'waiting' && live.length > 0))
      ? [`${live.length} attempts live in this state`]
      : []),
    ...(attempts.every((attempt, index) => attempt.number === index + 1) ? [] : ['attempts are misnumbered']),
    ...(attempts.length === job.attempt ? [] : [`attempt is ${job.attempt}, rows are ${attempts.length}`]),
    ...(started.length === attempts.length ? [] : [`${started.length} attempts were told of`]),
    ...(lost.length === attempts.filter(attempt => attempt.end_reason === 'lost').length
      ? []
      : ['a lost attempt was not told of, or told of twice']),
  ]
}

const theEnd = (job: JobRow, attempts: AttemptRow[]): string[] => [
  ...(isTerminal(job.state) ? [] : ['it is stuck']),
  ...(attempts.every(attempt => attempt.ended_at !== null) ? [] : ['an attempt never ended']),
]
