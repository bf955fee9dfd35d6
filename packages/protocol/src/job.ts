// What a job is, as the API shows it. The glossary (docs/glossary.md) defines the words.
import { z } from 'zod'

export const JOB_STATES = [
  'pending',
  'queued',
  'running',
  'waiting',
  'succeeded',
  'failed',
  'cancelled',
] as const
export const JobState = z.enum(JOB_STATES)
export type JobState = z.infer<typeof JobState>

export const TERMINAL_STATES = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly JobState[]
export const isTerminal = (state: JobState): boolean =>
  (TERMINAL_STATES as readonly JobState[]).includes(state)

export const PRIORITIES = ['low', 'normal', 'high'] as const
export const Priority = z.enum(PRIORITIES)
export type Priority = z.infer<typeof Priority>

export const WaitingFor = z.enum(['question', 'plan', 'budget', 'reply'])
export type WaitingFor = z.infer<typeof WaitingFor>

/** `ask`: Claude may ask a person; `decide`: nobody answers, and the tool to ask with is off. */
export const Questions = z.enum(['ask', 'decide'])
export type Questions = z.infer<typeof Questions>

/** What a person decides: a tool call, a plan, a question, or what comes next (`reply`). */
export const RequestKind = z.enum(['tool', 'plan', 'question', 'reply'])
export type RequestKind = z.infer<typeof RequestKind>

export const Decision = z.enum(['allow', 'deny'])
export type Decision = z.infer<typeof Decision>

/** To the questions of one request: by the question's words, its heading or its number from 1. */
export const Answers = z.record(z.string().max(10_000), z.union([z.string(), z.array(z.string())]))
export type Answers = z.infer<typeof Answers>

/** Something that Claude asked of a person, and what became of it. */
export const Approval = z.object({
  requestId: z.string(),
  kind: RequestKind,
  /** Of the tool: `{questions}`, `{plan}`, `{tool, input}` or `{text}`. */
  input: z.unknown(),
  attempt: z.number().int(),
  /** `closed`: the job ended or was begun anew before anybody decided. */
  status: z.enum(['pending', 'decided', 'closed']),
  requestedAt: z.iso.datetime(),
  decision: Decision.optional(),
  note: z.string().optional(),
  answers: Answers.optional(),
  decidedBy: z.string().nullable().optional(),
  decidedAt: z.iso.datetime().optional(),
})
export type Approval = z.infer<typeof Approval>

/** Why a job failed or was cancelled. Each code has a sentence that names the next step, in `FAILURES`. */
export const FAILURE_CODES = [
  'internal_error',
  'setup_failed',
  'base_not_found',
  'push_rejected',
  'disk_full',
  'no_progress',
  'dependency_failed',
  'agent_error',
  'agent_crashed',
  'oom',
  'timeout',
  'budget_exceeded',
  'verify_failed',
  'git_conflict',
  'git_auth',
  'git_unreachable',
  'claude_auth',
  'claude_unavailable',
  'image_unavailable',
  'no_capacity',
  'worker_lost',
  'policy_violation',
  'cancelled_by_user',
] as const
export const FailureCode = z.enum(FAILURE_CODES)
export type FailureCode = z.infer<typeof FailureCode>

/** `message` says what happened, `next` what the reader can do about it. */
export const Reason = z.object({ code: FailureCode, message: z.string(), next: z.string().optional() })
export type Reason = z.infer<typeof Reason>

/** Stages of `running`, in their usual order. Shown to people; nothing decides on them. */
export const STAGES = [
  'preparing_repository',
  'starting_container',
  'cloning',
  'setting_up',
  'working',
  'waiting_for_claude',
  'verifying',
  'pushing',
  'verifying_clean',
  'publishing',
] as const
export const Stage = z.enum(STAGES)
export type Stage = z.infer<typeof Stage>

export const VerifyResult = z.object({
  command: z.string(),
  exitCode: z.number().int(),
  durationMs: z.number(),
  /** The last part of stdout and stderr together. */
  output: z.string(),
})
export type VerifyResult = z.infer<typeof VerifyResult>

export const JobResult = z.object({
  summary: z.string(),
  filesChanged: z.number().int(),
  insertions: z.number().int(),
  deletions: z.number().int(),
  /** From a fresh container without agent, on the pushed commit. */
  verify: z.array(VerifyResult),
})
export type JobResult = z.infer<typeof JobResult>

export const Tokens = z.object({
  input: z.number().int(),
  output: z.number().int(),
  cacheRead: z.number().int(),
  cacheWrite: z.number().int(),
})
export type Tokens = z.infer<typeof Tokens>

export const Job = z.object({
  id: z.string(),
  /** Counts up within the organization; what people say to each other. */
  number: z.number().int(),
  repositoryId: z.string(),
  organizationId: z.string(),
  createdBy: z.string().nullable(),
  state: JobState,
  reason: Reason.optional(),
  task: z.string(),
  baseBranch: z.string(),
  /** Resolved when the job starts. */
  baseCommit: z.string().nullable(),
  /** The branch that receives the work. */
  branch: z.string(),
  headCommit: z.string().optional(),
  pullRequestUrl: z.string().optional(),
  priority: Priority,
  /** 0 before the first claim. */
  attempt: z.number().int(),
  turn: z.number().int(),
  waitingFor: WaitingFor.optional(),
  waitingSince: z.iso.datetime().optional(),
  /** The job makes a plan first, and waits for a person to approve it. */
  planFirst: z.boolean(),
  questions: Questions,
  queuePosition: z.number().int().optional(),
  stage: Stage.optional(),
  costUsd: z.number(),
  tokens: Tokens,
  /** The model asked for; null means the system's default. */
  model: z.string().nullable(),
  /** True when the answers came from the scripted model instead of Claude. */
  scriptedModel: z.boolean(),
  verify: z.array(z.string()),
  setup: z.array(z.string()),
  timeoutSeconds: z.number().int(),
  /** How long it may wait in the queue; null: a week. */
  queueTimeoutSeconds: z.number().int().nullable(),
  maxAttempts: z.number().int(),
  /** Set while a job that failed waits in the queue for its next attempt. */
  retryAt: z.iso.datetime().optional(),
  budgetUsd: z.number().nullable(),
  /** Not before this. */
  runAt: z.iso.datetime().optional(),
  /** Ids of the jobs that must have succeeded before this one starts. */
  needs: z.array(z.string()),
  /** The needed job whose result this one starts from. */
  baseFrom: z.string().optional(),
  scheduleId: z.string().optional(),
  /** An earlier result of the same task on the same commit will do. */
  cache: z.boolean(),
  /** The job whose result this is, when it was not worked out anew. */
  cachedFrom: z.string().optional(),
  cachedFromNumber: z.number().int().optional(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().optional(),
  finishedAt: z.iso.datetime().optional(),
  result: JobResult.optional(),
})
export type Job = z.infer<typeof Job>
