// The words of the HTTP API as TypeScript types: jobs, their events, repositories, keys.
// Knows nothing of how they are asked for. Unknown fields and event types may appear; readers ignore them.

export type JobState = 'pending' | 'queued' | 'running' | 'waiting' | 'succeeded' | 'failed' | 'cancelled'
export type Priority = 'low' | 'normal' | 'high'
export type WaitingFor = 'question' | 'plan' | 'budget' | 'reply'
export type Stage =
  | 'preparing_repository'
  | 'starting_container'
  | 'cloning'
  | 'setting_up'
  | 'working'
  | 'waiting_for_claude'
  | 'verifying'
  | 'pushing'
  | 'verifying_clean'
  | 'publishing'

/** `message` says what happened, `next` what the reader can do about it. */
export interface Reason {
  code: string
  message: string
  next?: string
}

export interface VerifyResult {
  command: string
  exitCode: number
  durationMs: number
  /** The last part of stdout and stderr together. */
  output: string
}

export interface JobResult {
  summary: string
  filesChanged: number
  insertions: number
  deletions: number
  /** From a fresh container without agent, on the pushed commit. */
  verify: VerifyResult[]
}

export interface Tokens {
  input: number
  output: number
  cacheRead: number
  cacheWrite: number
}

export interface Job {
  id: string
  /** Counts up within the organization; what people say to each other. */
  number: number
  repositoryId: string
  organizationId: string
  createdBy: string | null
  state: JobState
  reason?: Reason
  task: string
  baseBranch: string
  /** Resolved when the job starts. */
  baseCommit: string | null
  /** The branch that receives the work. */
  branch: string
  headCommit?: string
  pullRequestUrl?: string
  priority: Priority
  /** 0 before the first claim. */
  attempt: number
  turn: number
  waitingFor?: WaitingFor
  queuePosition?: number
  stage?: Stage
  costUsd: number
  tokens: Tokens
  /** The model asked for; null means the system's default. */
  model: string | null
  /** True when the answers came from the scripted model instead of Claude. */
  scriptedModel: boolean
  verify: string[]
  setup: string[]
  timeoutSeconds: number
  budgetUsd: number | null
  createdAt: string
  startedAt?: string
  finishedAt?: string
  result?: JobResult
}

export interface NewJob {
  repositoryId: string
  task: string
  /** Absent: the repository's default branch. */
  baseBranch?: string
  /** Absent: FlowForge names it. */
  branch?: string
  priority?: Priority
  verify?: string[]
  setup?: string[]
  model?: string
  budgetUsd?: number
  timeoutSeconds?: number
}

export interface JobDiff {
  base: string
  head: string
  stat: { filesChanged: number; insertions: number; deletions: number }
  /** A unified diff as Git prints it. */
  diff: string
  /** True when the diff was too long and ends early. */
  truncated: boolean
}

/** The data of each event type. */
export interface EventData {
  'job.created': { task: string; repositoryId: string; baseBranch: string; branch: string }
  'job.queued': Record<string, never>
  'job.started': { workerId: string }
  'job.stage': { stage: Stage; detail?: string }
  'job.waiting': { waitingFor: WaitingFor; message?: string }
  'job.succeeded': { branch: string; headCommit?: string; result: JobResult }
  'job.failed': { reason: Reason }
  'job.cancelled': { by?: string; reason?: Reason }
  'job.retried': { by?: string; reason?: Reason; automatic: boolean }
  'attempt.started': { number: number; workerId: string; executor: string }
  'attempt.lost': { number: number; reason: string }
  'attempt.adopted': { number: number; workerId: string }
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
  'approval.requested': { requestId: string; kind: 'tool' | 'plan' | 'question'; input: unknown }
  'approval.decided': { requestId: string; decision: 'allow' | 'deny'; note?: string }
  'reply.received': { text: string; by?: string }
  'artifact.added': { name: string; sizeBytes: number; contentType: string }
}

export type EventType = keyof EventData

/** One line of a job's story. `seq` starts at 1 without gaps; `claude.text.delta` alone has none and is live only. */
export type JobEvent = { [T in EventType]: { type: T; data: EventData[T] } }[EventType] & {
  seq?: number
  jobId: string
  attempt: number
  at: string
}

export interface Repository {
  id: string
  name: string
  /** Null for a hosted repository: it is pushed straight to FlowForge. */
  url: string | null
  /** Null while the repository is empty. */
  defaultBranch: string | null
  createdAt: string
}

export type Credential =
  | { type: 'token'; username?: string; token: string }
  | { type: 'ssh'; privateKey: string }

export interface NewRepository {
  name: string
  /** Absent: a hosted repository. */
  url?: string
  defaultBranch?: string
  credential?: Credential
}

export interface ApiKey {
  id: string
  name: string
  /** The first characters, to tell keys apart. */
  start: string
  createdAt: string
}

/** The only answer that ever holds the key itself. */
export interface NewApiKey extends ApiKey {
  key: string
}

export interface Me {
  /** Null for a key that belongs to no person. */
  user: { id: string; name: string; email: string } | null
  organization: { id: string; slug: string; name: string }
  role: string
  via: string
}

export interface SystemInfo {
  version: string
  executor: string
  workers: number
  /** True when answers come from the scripted model instead of Claude. */
  scriptedModel: boolean
  isolation: string
  queue: { queued: number; running: number }
}

export interface DoctorCheck {
  name: string
  status: 'ok' | 'warning' | 'problem'
  summary: string
  next?: string
}

export interface Page<T> {
  data: T[]
  nextCursor: string | null
  hasMore: boolean
}
