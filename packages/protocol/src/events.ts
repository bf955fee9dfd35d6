// A job's story: numbered, immutable lines. `seq` starts at 1 without gaps; text deltas alone are live only.
import { z } from 'zod'
import {
  Answers,
  Decision,
  JobResult,
  Priority,
  Reason,
  RequestKind,
  Stage,
  VerifyResult,
  WaitingFor,
} from './job.ts'

const empty = z.object({})

/** The data of each event type. Adding a type or an optional field is compatible; readers ignore what they don't know. */
export const EVENT_DATA = {
  'job.created': z.object({
    task: z.string(),
    repositoryId: z.string(),
    baseBranch: z.string(),
    branch: z.string(),
  }),
  /** Waits for a time, for the success of others, for the end of another. */
  'job.pending': z.object({
    runAt: z.iso.datetime().optional(),
    needs: z.array(z.string()).optional(),
    after: z.string().optional(),
  }),
  'job.queued': empty,
  /** A person changed it after its submission. `null`: no limit, or no time. */
  'job.changed': z.object({
    by: z.string().optional(),
    priority: Priority.optional(),
    budgetUsd: z.number().nullable().optional(),
    runAt: z.iso.datetime().nullable().optional(),
  }),
  /** Another job had done the same on the same commit: its result is this one's. */
  'result.reused': z.object({ jobId: z.string(), number: z.number().int() }),
  'job.started': z.object({ workerId: z.string() }),
  'job.stage': z.object({ stage: Stage, detail: z.string().optional() }),
  'job.waiting': z.object({ waitingFor: WaitingFor, message: z.string().optional() }),
  /** A person answered while the container was still there: the same attempt goes on. */
  'job.resumed': empty,
  /** A reply to a finished job: a new turn of the same conversation. */
  'job.reopened': z.object({ turn: z.number().int(), by: z.string().optional() }),
  'job.succeeded': z.object({ branch: z.string(), headCommit: z.string().optional(), result: JobResult }),
  'job.failed': z.object({ reason: Reason }),
  'job.cancelled': z.object({ by: z.string().optional(), reason: Reason.optional() }),
  'job.retried': z.object({
    by: z.string().optional(),
    reason: Reason.optional(),
    automatic: z.boolean(),
    /** How long the job waits in the queue before it is tried again. */
    delayMs: z.number().int().optional(),
  }),

  'attempt.started': z.object({ number: z.number().int(), workerId: z.string(), executor: z.string() }),
  'attempt.lost': z.object({ number: z.number().int(), reason: z.string() }),
  'attempt.adopted': z.object({ number: z.number().int(), workerId: z.string() }),

  /** Its container was released while the job waits: session and work are kept, an answer starts another attempt. */
  'attempt.parked': z.object({ number: z.number().int() }),

  /** The conversation is kept outside of the container, so that another can go on with it. */
  'session.saved': z.object({ sessionId: z.string(), sizeBytes: z.number().int() }),
  'session.resumed': z.object({ sessionId: z.string(), fromAttempt: z.number().int() }),
  'session.started_afresh': z.object({ reason: z.string() }),

  'claude.message': z.object({
    text: z.string(),
    /** Set when a sub-agent speaks: the tool use that started it. */
    parentToolUseId: z.string().optional(),
  }),
  'claude.text.delta': z.object({ text: z.string(), parentToolUseId: z.string().optional() }),
  'claude.tool.started': z.object({
    toolUseId: z.string(),
    name: z.string(),
    input: z.unknown(),
    parentToolUseId: z.string().optional(),
  }),
  'claude.tool.finished': z.object({
    toolUseId: z.string(),
    ok: z.boolean(),
    /** What the tool answered, cut in the middle when it is long. */
    output: z.string(),
    durationMs: z.number(),
    parentToolUseId: z.string().optional(),
  }),
  /** One answered request, counted by the gateway. */
  'claude.usage': z.object({
    model: z.string(),
    inputTokens: z.number().int(),
    outputTokens: z.number().int(),
    cacheReadTokens: z.number().int(),
    cacheWriteTokens: z.number().int(),
    costUsd: z.number(),
  }),

  'git.cloned': z.object({ commit: z.string(), durationMs: z.number() }),
  'git.committed': z.object({ commit: z.string(), message: z.string() }),
  /** `upstream` false: stored in FlowForge's mirror; true: published at the repository's upstream. */
  'git.pushed': z.object({ branch: z.string(), commit: z.string(), upstream: z.boolean() }),
  /** Unfinished work, kept in FlowForge's mirror under a ref of its own; not on the job's branch. */
  'git.work.saved': z.object({ commit: z.string() }),
  'git.work.restored': z.object({ commit: z.string(), fromAttempt: z.number().int() }),
  /** What an attempt left when it broke off was saved; nothing was published. */
  'git.rescued': z.object({ attempt: z.number().int(), commit: z.string(), ref: z.string() }),
  'git.conflict.detected': z.object({ files: z.array(z.string()) }),
  'git.conflict.resolved': z.object({ files: z.array(z.string()) }),
  'git.pull_request.opened': z.object({ url: z.string() }),
  'git.push.refused': z.object({ ref: z.string(), reason: z.string() }),

  'verify.started': z.object({ command: z.string(), round: z.number().int(), clean: z.boolean() }),
  /** `clean`: ran in a fresh container without agent, on the pushed commit. */
  'verify.finished': VerifyResult.extend({ round: z.number().int(), clean: z.boolean() }),

  log: z.object({ stream: z.enum(['stdout', 'stderr', 'system']), text: z.string() }),
  'egress.blocked': z.object({ host: z.string(), port: z.number().int(), reason: z.string() }),
  'policy.denied': z.object({ what: z.string(), reason: z.string() }),
  'settings.neutralised': z.object({ file: z.string(), keys: z.array(z.string()) }),
  'budget.warning': z.object({ spentUsd: z.number(), limitUsd: z.number() }),
  'budget.exceeded': z.object({ spentUsd: z.number(), limitUsd: z.number() }),
  'approval.requested': z.object({
    requestId: z.string(),
    kind: RequestKind,
    input: z.unknown(),
  }),
  'approval.decided': z.object({
    requestId: z.string(),
    decision: Decision,
    note: z.string().optional(),
    answers: Answers.optional(),
    by: z.string().optional(),
  }),
  'reply.received': z.object({ text: z.string(), by: z.string().optional() }),
  'artifact.added': z.object({ name: z.string(), sizeBytes: z.number().int(), contentType: z.string() }),
} as const

export type EventType = keyof typeof EVENT_DATA
export type EventData<T extends EventType = EventType> = z.infer<(typeof EVENT_DATA)[T]>
export const EVENT_TYPES = Object.keys(EVENT_DATA) as EventType[]

/** A type with its data, before it has a number: what an act of FlowForge appends. */
export type NewEvent = { [T in EventType]: { type: T; data: EventData<T> } }[EventType]

/** One line of a job's story as the API gives it. `claude.text.delta` has no `seq`. */
export type JobEvent = { [T in EventType]: { type: T; data: EventData<T> } }[EventType] & {
  seq?: number
  jobId: string
  attempt: number
  at: string
}

/** The loose form for documents and readers: `data` by `type`, see `EVENT_DATA`. */
export const JobEventEnvelope = z.object({
  seq: z.number().int().optional(),
  jobId: z.string(),
  attempt: z.number().int(),
  type: z.enum(EVENT_TYPES as [EventType, ...EventType[]]),
  at: z.iso.datetime(),
  data: z.unknown(),
})

/** What a runner may report. Everything else is written by FlowForge from what it sees itself. */
export const RUNNER_EVENT_TYPES = [
  'job.stage',
  'claude.message',
  'claude.tool.started',
  'claude.tool.finished',
  'git.cloned',
  'git.committed',
  'verify.started',
  'verify.finished',
  'log',
  'settings.neutralised',
  'approval.requested',
  'session.resumed',
  'session.started_afresh',
  'git.work.restored',
] as const satisfies readonly EventType[]
export type RunnerEventType = (typeof RUNNER_EVENT_TYPES)[number]
