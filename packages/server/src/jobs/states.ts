// The state machine of jobs: which act leads from which state to which. Pure; nothing else decides on states.
import type { JobState } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'

/**
 * | act      | who                        |                                                              |
 * |----------|----------------------------|--------------------------------------------------------------|
 * | release  | sweeper                    | its time has come, its dependencies succeeded                 |
 * | postpone | person                     | for later: a new `runAt`, a retry of what still needs others  |
 * | claim    | worker                     | a new attempt starts                                          |
 * | park     | worker                     | waits for a person (`waitingFor`)                             |
 * | resume   | person, budget             | goes on where it was parked                                   |
 * | requeue  | worker, sweeper, person    | automatic retry; an answer to a job whose container is gone   |
 * | succeed  | worker                     |                                                              |
 * | fail     | worker, sweeper            |                                                              |
 * | cancel   | person                     |                                                              |
 * | retry    | person                     | the only way out of `failed` and `cancelled`, beside a reply  |
 * | reopen   | person                     | a reply to a finished job: a new turn of the same session     |
 */
const TRANSITIONS = {
  release: { pending: 'queued' },
  postpone: { queued: 'pending', failed: 'pending', cancelled: 'pending' },
  claim: { queued: 'running' },
  park: { running: 'waiting' },
  resume: { waiting: 'running' },
  requeue: { running: 'queued', waiting: 'queued' },
  succeed: { running: 'succeeded' },
  fail: { pending: 'failed', queued: 'failed', running: 'failed', waiting: 'failed' },
  cancel: { pending: 'cancelled', queued: 'cancelled', running: 'cancelled', waiting: 'cancelled' },
  retry: { failed: 'queued', cancelled: 'queued' },
  reopen: { succeeded: 'queued', failed: 'queued', cancelled: 'queued' },
} as const satisfies Record<string, Partial<Record<JobState, JobState>>>

export type Act = keyof typeof TRANSITIONS
export const ACTS = Object.keys(TRANSITIONS) as Act[]

export const isAllowed = (state: JobState, act: Act): boolean => state in TRANSITIONS[act]

/** The state that `act` leads to. Throws `job_state_conflict` (409) where the table has no entry. */
export function after(state: JobState, act: Act): JobState {
  const next = (TRANSITIONS[act] as Partial<Record<JobState, JobState>>)[state]
  if (!next)
    throw new FlowForgeError('job_state_conflict', `A job that is ${state} can not ${VERBS[act]}.`, {
      details: { state, act },
    })
  return next
}

const VERBS: Record<Act, string> = {
  release: 'be released',
  postpone: 'be put off',
  claim: 'be claimed',
  park: 'wait',
  resume: 'be resumed',
  requeue: 'be queued again',
  succeed: 'succeed',
  fail: 'fail',
  cancel: 'be cancelled',
  retry: 'be retried',
  reopen: 'be reopened',
}
