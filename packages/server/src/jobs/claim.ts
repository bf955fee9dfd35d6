// Claims queued jobs for a worker: the conditional update that makes a new attempt. Fairness and limits are decided here
// and in the query that this asks, alone.
import type { NewEvent } from '@flowforge/protocol'
import { v7 as uuidv7 } from 'uuid'
import type { AttemptRow } from '../store/attempts.ts'
import {
  type Candidate,
  endDelays,
  findClaimable,
  insertAttempts,
  lockClaims,
  startJobs,
} from '../store/claims.ts'
import type { Database } from '../store/database.ts'
import type { JobRow } from '../store/jobs.ts'
import type { EventLog } from './ports.ts'
import { after } from './states.ts'

export interface Claim {
  job: JobRow
  attempt: AttemptRow
}

export interface Claimer {
  workerId: string
  executor: string
  /** Names the data folder of doors and mirrors: who shares it can adopt. */
  place: string
  leaseSeconds: number
}

export function claimJobs(
  context: { database: Database; events: EventLog },
  claimer: Claimer,
  limit: number,
  /** Ids for the new attempts: of containers that were started ahead, then new ones. */
  attemptIds: string[],
): Promise<Claim[]> {
  return context.database.acrossOrganizations(async tx => {
    await lockClaims(tx)
    await endDelays(tx)
    const chosen = withinLimits(await findClaimable(tx, limit))
    if (chosen.length === 0) return []
    const started = await startJobs(tx, chosen, {
      state: after('queued', 'claim'),
      stage: 'preparing_repository',
    })
    const jobs = started.sort((a, b) => chosen.indexOf(a.id) - chosen.indexOf(b.id))
    const attempts = await insertAttempts(
      tx,
      jobs.map((job, index) => ({ id: attemptIds[index] ?? uuidv7(), job })),
      claimer,
    )
    const attemptOf = new Map(attempts.map(attempt => [attempt.job_id, attempt]))
    await context.events.appendToMany(
      tx,
      jobs.map(job => ({ job, events: beginning(claimer, job) })),
    )
    return jobs.map(job => ({ job, attempt: attemptOf.get(job.id)! }))
  })
}

/** What the candidates of one claim take from each other: a branch, the room of a repository. */
function withinLimits(candidates: Candidate[]): string[] {
  const branches = new Set<string>()
  const taken = new Map<string, number>()
  const fits = ({ repository_id, branch, repository_room }: Candidate): boolean => {
    const inRepository = taken.get(repository_id) ?? 0
    const name = `${repository_id} ${branch}`
    if (branches.has(name) || inRepository >= (repository_room ?? Number.POSITIVE_INFINITY)) return false
    branches.add(name)
    taken.set(repository_id, inRepository + 1)
    return true
  }
  return candidates.filter(fits).map(({ id }) => id)
}

const beginning = ({ workerId, executor }: Claimer, { attempt: number }: JobRow): NewEvent[] => [
  { type: 'job.started', data: { workerId } },
  { type: 'attempt.started', data: { number, workerId, executor } },
  { type: 'job.stage', data: { stage: 'preparing_repository' } },
]
