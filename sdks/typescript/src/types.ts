// The words of the HTTP API under short names. What the OpenAPI document describes comes from it; what it leaves open,
// the data of events, is written here. Unknown fields and event types may appear: readers ignore them.
import type { components, operations } from './generated/api.d.ts'

type Schemas = components['schemas']

export type Job = Schemas['Job']
export type NewJob = Schemas['NewJob']
export type NewBatch = Schemas['NewBatch']
export type JobChange = Schemas['JobChange']
export type JobRelations = Schemas['JobRelations']
export type Attempt = Schemas['Attempt']
export type JobDiff = Schemas['Diff']
export type JobState = Job['state']
export type Priority = Job['priority']
export type WaitingFor = NonNullable<Job['waitingFor']>
export type Stage = NonNullable<Job['stage']>
/** `message` says what happened, `next` what the reader can do about it. */
export type Reason = NonNullable<Job['reason']>
export type JobResult = NonNullable<Job['result']>
export type VerifyResult = JobResult['verify'][number]
export type Tokens = Job['tokens']
export type JobFilter = Omit<NonNullable<operations['listJobs']['parameters']['query']>, 'limit' | 'cursor'>

/** Something that Claude asked of a person. */
export type Approval = Schemas['Approval']
export type Reply = Schemas['Reply']
export type Verdict = Schemas['Verdict']
export type RequestKind = Approval['kind']
export type Answers = NonNullable<Approval['answers']>

export type Repository = Schemas['Repository']
export type NewRepository = Schemas['NewRepository']
export type Credential = NonNullable<NewRepository['credential']>
export type Schedule = Schemas['Schedule']
export type NewSchedule = Schemas['NewSchedule']
export type ScheduleChange = Schemas['ScheduleChange']
export type SchedulePreview = Schemas['SchedulePreview']
/** A due time, and what became of it. */
export type ScheduleRun = Schemas['ScheduleRun']
export type ApiKey = Schemas['ApiKey']
/** The only answer that ever holds the key itself. */
export type NewApiKey = Schemas['NewApiKey']
/** How many jobs of the organization may run at once, and do. */
export type Limits = Schemas['Limits']
export type KeepDays = Schemas['KeepDays']
export type Retention = Schemas['Retention']
export type RetentionPreview = Schemas['RetentionPreview']
export type RetentionRun = Schemas['RetentionRun']
export type Me = Schemas['Me']
export type SystemInfo = Schemas['System']
export type DoctorCheck = Schemas['CheckResult']

/** The data of each event type. */
export interface EventData {
  'job.created': { task: string; repositoryId: string; baseBranch: string; branch: string }
  /** Waits for a time, for the success of others, for the end of another. */
  'job.pending': { runAt?: string; needs?: string[]; after?: string }
  'job.queued': Record<string, never>
  /** A person changed it after its submission. `null`: no limit, or no time. */
  'job.changed': { by?: string; priority?: Priority; budgetUsd?: number | null; runAt?: string | null }
  /** Another job had done the same on the same commit: its result is this one's. */
  'result.reused': { jobId: string; number: number }
  'job.started': { workerId: string }
  'job.stage': { stage: Stage; detail?: string }
  'job.waiting': { waitingFor: WaitingFor; message?: string }
  'job.resumed': Record<string, never>
  'job.reopened': { turn: number; by?: string }
  'job.succeeded': { branch: string; headCommit?: string; result: JobResult }
  'job.failed': { reason: Reason }
  'job.cancelled': { by?: string; reason?: Reason }
  'job.retried': { by?: string; reason?: Reason; automatic: boolean; delayMs?: number }
  'attempt.started': { number: number; workerId: string; executor: string }
  'attempt.lost': { number: number; reason: string }
  'attempt.adopted': { number: number; workerId: string }
  'attempt.parked': { number: number }
  'session.saved': { sessionId: string; sizeBytes: number }
  'session.resumed': { sessionId: string; fromAttempt: number }
  'session.started_afresh': { reason: string }
  /** `parentToolUseId` is set when a sub-agent speaks: the tool use that started it. */
  'claude.message': { text: string; parentToolUseId?: string }
  'claude.text.delta': { text: string; parentToolUseId?: string }
  'claude.tool.started': { toolUseId: string; name: string; input: unknown; parentToolUseId?: string }
  'claude.tool.finished': {
    toolUseId: string
    ok: boolean
    /** What the tool answered, cut in the middle when it is long. */
    output: string
    durationMs: number
    parentToolUseId?: string
  }
  'claude.usage': {
    model: string
    inputTokens: number
    outputTokens: number
    cacheReadTokens: number
    cacheWriteTokens: number
    costUsd: number
  }
  'git.cloned': { commit: string; durationMs: number }
  'git.committed': { commit: string; message: string }
  /** `upstream` false: stored in FlowForge's mirror; true: published at the repository's upstream. */
  'git.pushed': { branch: string; commit: string; upstream: boolean }
  'git.work.saved': { commit: string }
  'git.work.restored': { commit: string; fromAttempt: number }
  /** What an attempt left when it broke off was saved; nothing was published. */
  'git.rescued': { attempt: number; commit: string; ref: string }
  'git.conflict.detected': { files: string[] }
  'git.conflict.resolved': { files: string[] }
  'git.pull_request.opened': { url: string }
  'git.push.refused': { ref: string; reason: string }
  /** `clean`: in a fresh container without agent, on the pushed commit. */
  'verify.started': { command: string; round: number; clean: boolean }
  'verify.finished': VerifyResult & { round: number; clean: boolean }
  log: { stream: 'stdout' | 'stderr' | 'system'; text: string }
  'egress.blocked': { host: string; port: number; reason: string }
  'policy.denied': { what: string; reason: string }
  'settings.neutralised': { file: string; keys: string[] }
  'budget.warning': { spentUsd: number; limitUsd: number }
  'budget.exceeded': { spentUsd: number; limitUsd: number }
  'approval.requested': { requestId: string; kind: RequestKind; input: unknown }
  'approval.decided': {
    requestId: string
    decision: 'allow' | 'deny'
    note?: string
    answers?: Answers
    by?: string
  }
  'reply.received': { text: string; by?: string }
  'artifact.added': { name: string; sizeBytes: number; contentType: string }
}

/** The build fails when the document has a type that `EventData` lacks. */
export type EventType = Schemas['JobEvent']['type']

/** One line of a job's story. `seq` starts at 1 without gaps; `claude.text.delta` alone has none and is live only. */
export type JobEvent = { [T in EventType]: { type: T; data: EventData[T] } }[EventType] & {
  seq?: number
  jobId: string
  attempt: number
  at: string
}

export interface Page<T> {
  data: T[]
  nextCursor: string | null
  hasMore: boolean
}
