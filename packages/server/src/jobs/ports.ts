// What the job engine asks of its surroundings: each is implemented in the folder that its comment names.
import type { Readable } from 'node:stream'
import type { NewEvent, SettleReport, WorkOrder } from '@flowforge/protocol'
import type { GatewayPlace } from '../executors/port.ts'
import type { GatewayAttempt } from '../gateway/attempt.ts'
import type { Phase } from '../store/attempts.ts'
import type { Transaction } from '../store/database.ts'
import type { RepositoryRow } from '../store/repositories.ts'

/** live/: a job's story. `append` numbers and stores the events in the caller's transaction and tells watchers after it. */
export interface EventLog {
  append(tx: Transaction, job: EventSubject, events: NewEvent[]): Promise<number>
  /** The same for many jobs at once. */
  appendToMany(tx: Transaction, ofJobs: Array<{ job: EventSubject; events: NewEvent[] }>): Promise<void>
}
export interface EventSubject {
  id: string
  organization_id: string
  attempt: number
}

/** queue/: wakes claimers. A hint: lost, late and doubled rings do no harm, because jobs are claimed from their rows. */
export interface Doorbell {
  /** Rings for these queued jobs when the caller's transaction has committed and `delayMs` has passed. */
  ring(tx: Transaction, jobIds: string[], delayMs?: number): Promise<void>
  /** Has a claimer claim after a ring, as long as it has room. */
  answer(claimer: RingAnswerer): Answering
}
export interface RingAnswerer {
  /** How many jobs it could take. Without room it gets no rings: others hear them. */
  room(): number
  /** Resolves when it has claimed what it could. After a failure the ring is heard again. */
  claim(): Promise<void>
}
export interface Answering {
  /** Says that there may be room again. */
  roomChanged(): void
  /** Takes no more rings; what it holds is heard by others. */
  stop(): Promise<void>
}

/** queue/: tells the holder of an attempt to look again: a cancel, a reply, a command. A hint, too. */
export interface AttemptSignal {
  send(tx: Transaction, attemptId: string): Promise<void>
  receive(handler: (attemptId: string) => void): () => void
}

/** git/: the repository as a worker needs it. Every call may be repeated. */
export interface Repositories {
  /** Brings the mirror up to date. Fails with `git_auth`, `git_unreachable`, `disk_full`, `repository_empty`. */
  update(repository: RepositoryRow, signal: AbortSignal): Promise<void>
  /** `null` means the default branch. Fails with `base_not_found`, `repository_empty`. */
  resolveBranch(repository: RepositoryRow, branch: string | null): Promise<{ branch: string; commit: string }>
  stat(
    repository: RepositoryRow,
    base: string,
    head: string,
  ): Promise<{ filesChanged: number; insertions: number; deletions: number }>
  /** Compare-and-swap at the upstream. Fails with `push_rejected`, `git_auth`, `git_unreachable`. */
  publish(
    repository: RepositoryRow,
    result: { jobId: string; branch: string; commit: string; expected: string | null },
    signal: AbortSignal,
  ): Promise<void>
  /** What an attempt left for the next: unfinished when its container was released, else what it pushed. */
  keptWork(
    repository: RepositoryRow,
    jobId: string,
    attemptNumber: number,
  ): Promise<{ commit: string; ref: string } | null>
  /**
   * Keeps a commit for a job: as the `base` that its containers fetch, or as the `head` that it has made. False: the
   * repository does not have it.
   */
  keep(repository: RepositoryRow, jobId: string, as: 'base' | 'head', commit: string): Promise<boolean>
  /** What an attempt has pushed and is stored, also when nobody lived to record it. */
  pushedBy(repository: RepositoryRow, jobId: string, attemptNumber: number): Promise<string | null>
  /** Forgets what an attempt left half-way. */
  release(attemptId: string): Promise<void>
}

/** storage/: whole objects by key. */
export interface SessionStorage {
  put(key: string, body: Readable): Promise<void>
  get(key: string): Promise<Readable | null>
}

/** gateway/: the attempt's door. */
export interface AttemptDoor {
  attemptId: string
  place: GatewayPlace
  token: string
  /** Changes with each sign of life of the container. */
  activity(): number
  /** From now on the runner of this phase gets its order; before that it waits for it. */
  admit(attempt: GatewayAttempt, order: WorkOrder, reports: DoorReports): void
  /** Stops serving, and leaves the directory to whoever opens the door again: the container goes on. */
  close(): Promise<void>
  /** The container is gone: so is its door. */
  remove(): Promise<void>
}
export interface DoorReports {
  /** The epoch that this holder writes with. */
  epoch: number
  settled(report: SettleReport): void
  /** Anything came from the container: it is alive. */
  heard(): void
  /** The Claude API has no room, and says when to come again. */
  claudeBusy(retryAfterMs: number): void
  /** What the gateway knows better than the runner about why Claude could not go on. */
  claudeTrouble(trouble: 'claude_auth' | 'budget_exceeded', detail: string): void
}
export interface AttemptGateway {
  /** Opens a door, or the same one again: directory and token follow from the attempt and its phase. */
  open(attemptId: string, phase: Phase): Promise<AttemptDoor>
  /** Removes what a worker that died left of the door of a container that is gone. */
  discard(attemptId: string, phase: Phase): Promise<void>
}
