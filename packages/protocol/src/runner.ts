// The protocol between the runner (in the container) and the gateway's runner API. HTTP over the attempt's socket,
// JSON bodies, `Authorization: Bearer <attempt token>`. What a runner reports is a claim: it shares its container
// with the agent, so nothing outside trusts more of it than can be checked.
import { z } from 'zod'
import { RUNNER_EVENT_TYPES } from './events.ts'
import { Answers, Decision, FailureCode, Questions, VerifyResult } from './job.ts'

/** Raised when a change can't be read by the previous version. Both sides accept their own and the one before. */
export const RUNNER_PROTOCOL_VERSION = 1

/** A runner whose gateway stayed away ends with it: nothing is wrong with the job. */
export const RUNNER_ABANDONED_EXIT_CODE = 4

/** Paths below the gateway's address inside the container. */
export const GATEWAY_PATHS = {
  /** POST WorkOrderRequest → WorkOrder. Same nonce: same answer; another nonce: 409 `nonce_mismatch`. */
  workOrder: '/runner/work-order',
  /** POST EventBatch → EventBatchAccepted; a gap: 409 `source_seq_gap` with `expected`. */
  events: '/runner/events',
  /** POST DeltaBatch → 204. Live only; may be dropped. */
  deltas: '/runner/deltas',
  /** GET ?after=N → CommandList; answers after at most 25 s, empty when there is none. */
  commands: '/runner/commands',
  /**
   * PUT `?session=ID&through=N` with a session archive (`session-archive.ts` of the runner) → 204: all of it, or nothing.
   * GET → the archive that the job's earlier attempt left; 404 when there is none.
   */
  session: '/runner/session',
  /** POST SettleReport → 204. Idempotent. After it the runner exits 0. */
  settle: '/runner/settle',
  /** ANTHROPIC_BASE_URL. */
  claude: '/claude',
  /** Git smart HTTP of the attempt's repository. */
  git: '/git/repository.git',
} as const

/** Variables and files that a container starts with; nothing else comes from outside. */
export const CONTAINER_ENVIRONMENT = {
  /** The Unix socket of the gateway: in a directory that is bind-mounted read-only. */
  socket: 'FLOWFORGE_GATEWAY_SOCKET',
  /** Where no socket can be mounted (Docker Desktop, Kubernetes): the gateway's base URL instead. */
  url: 'FLOWFORGE_GATEWAY_URL',
  /** The attempt's token: worth only this attempt, only while its lease lives. */
  token: 'FLOWFORGE_ATTEMPT_TOKEN',
  /** Where the runner keeps its own files, when not on the workspace: what an agent left there is not to be trusted. */
  stateDirectory: 'FLOWFORGE_STATE_DIRECTORY',
} as const
export const CONTAINER_PATHS = {
  gatewayDirectory: '/run/flowforge',
  gatewaySocket: '/run/flowforge/gateway.sock',
  workspace: '/workspace',
  /** The clone; cwd of setup, Claude and verify. Stable, so that sessions resume. */
  repository: '/workspace/repository',
  /** The runner's own files (event buffer), on the workspace volume, beside the clone. */
  runnerState: '/workspace/.flowforge',
} as const

export const WorkOrderRequest = z.object({
  protocolVersion: z.number().int(),
  runnerVersion: z.string(),
  /** Made by the runner at its start, kept on the workspace volume. */
  nonce: z.string().min(16).max(128),
})
export type WorkOrderRequest = z.infer<typeof WorkOrderRequest>

const orderBase = {
  protocolVersion: z.number().int(),
  attemptId: z.string(),
  jobId: z.string(),
  git: z.object({
    baseBranch: z.string(),
    baseCommit: z.string(),
    /** What to check out: the base for an agent, the pushed commit for a clean verify. */
    checkoutCommit: z.string(),
    /** The ref that holds checkoutCommit, as the gateway advertises it. */
    checkoutRef: z.string(),
    /** The job's branch: the only ref a push may go to. */
    branch: z.string(),
    /** Big repositories come without blobs; Git asks for them when it needs them. */
    filter: z.enum(['blob:none']).optional(),
    /** Work of an earlier attempt, built on the base: checked out in its place. A commit that `isWorkInProgress` is undone. */
    restore: z.object({ commit: z.string(), ref: z.string(), fromAttempt: z.number().int() }).optional(),
    author: z.object({ name: z.string(), email: z.string() }),
  }),
  /** Shell commands, run one after the other in the clone by `bash -c`; the first that fails ends the phase. */
  setup: z.array(z.string()),
  verify: z.array(z.string()),
  /** Bound on one setup or verify command. */
  commandTimeoutSeconds: z.number().int(),
  /** Added to the environment of setup, Claude's tools and verify. */
  environment: z.record(z.string(), z.string()),
  /** Whether `HTTPS_PROXY` is set for the agent's processes: false when the allowlist is empty. */
  egress: z.boolean(),
}

/**
 * `agent`: clone, set up, let Claude work, verify with feedback, commit, push. `verify`: clone, set up, verify.
 * `rescue`: commit and push what an agent left on the workspace, in a container without agent.
 */
export const WorkOrder = z.discriminatedUnion('phase', [
  z.object({
    ...orderBase,
    phase: z.literal('agent'),
    task: z.string(),
    /** Handed to Claude Code as is; absent = Claude Code's default. */
    model: z.string().optional(),
    /** How often a failing verify is given back to Claude. 0 = never. */
    verifyRounds: z.number().int(),
    /** What Claude is told first when its conversation begins anew; absent = the task. */
    prompt: z.string().optional(),
    /** Go on with the conversation of an earlier attempt, by telling Claude this. */
    resume: z.object({ sessionId: z.string(), fromAttempt: z.number().int(), prompt: z.string() }).optional(),
    /** Why there is no conversation to go on with, where one would expect it. */
    afreshBecause: z.string().optional(),
    /** Claude only plans until a person approves. */
    planFirst: z.boolean().optional(),
    questions: Questions.optional(),
    /** Claude Code's permission rules for what needs a person's yes: `Bash(git push:*)`, `WebFetch`. */
    approvals: z.array(z.string()).optional(),
    /** Calls that a person allowed while no container was there to make them: each once. */
    allowedCalls: z.array(z.object({ tool: z.string(), input: z.unknown() })).optional(),
    /** The newest of people's messages that `prompt` and `resume` tell. */
    throughMessage: z.number().int().optional(),
    maxTurns: z.number().int().optional(),
  }),
  z.object({ ...orderBase, phase: z.literal('verify') }),
  z.object({ ...orderBase, phase: z.literal('rescue') }),
])
export type WorkOrder = z.infer<typeof WorkOrder>
export type AgentWorkOrder = Extract<WorkOrder, { phase: 'agent' }>

export const RunnerEvent = z.object({
  type: z.enum(RUNNER_EVENT_TYPES),
  /** The runner's clock; the store keeps it beside its own. */
  at: z.iso.datetime(),
  data: z.unknown(),
})
export type RunnerEvent = z.infer<typeof RunnerEvent>

/** Largest request body the runner API takes; the runner cuts longer texts before it sends them. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024
export const MAX_BATCH_EVENTS = 500

export const EventBatch = z.object({
  /** Who numbers: one runner process. A restarted runner goes on with its source and its numbers from disk. */
  source: z.string().min(1).max(64),
  /** Number of the first event; the others follow without gap. Starts at 1. */
  firstSourceSeq: z.number().int().min(1),
  events: z.array(RunnerEvent).min(1).max(MAX_BATCH_EVENTS),
})
export type EventBatch = z.infer<typeof EventBatch>
/** Everything up to and including this number is stored. */
export const EventBatchAccepted = z.object({ acceptedThrough: z.number().int() })

export const DeltaBatch = z.object({
  deltas: z.array(z.object({ text: z.string(), parentToolUseId: z.string().optional() })).max(500),
})
export type DeltaBatch = z.infer<typeof DeltaBatch>

export const RunnerCommand = z.discriminatedUnion('type', [
  /** Interrupt Claude, keep the container: the turn ends, what is there is committed and pushed. */
  z.object({ id: z.number().int(), type: z.literal('interrupt') }),
  /** End at once: nothing is pushed. SIGTERM follows. */
  z.object({ id: z.number().int(), type: z.literal('cancel') }),
  z.object({ id: z.number().int(), type: z.literal('reply'), text: z.string(), message: z.number().int() }),
  z.object({
    id: z.number().int(),
    type: z.literal('approve'),
    requestId: z.string(),
    decision: Decision,
    note: z.string().optional(),
    answers: Answers.optional(),
    message: z.number().int(),
  }),
  /** If this request still waits: save conversation and work, report `parked`, and end. */
  z.object({ id: z.number().int(), type: z.literal('park'), requestId: z.string() }),
])
export type RunnerCommand = z.infer<typeof RunnerCommand>
export const CommandList = z.object({ commands: z.array(RunnerCommand) })

/** The gateway takes no larger session archive; the runner does not send one. */
export const MAX_SESSION_BYTES = 64 * 1024 * 1024

/** Where unfinished work is pushed when the container is released; the gateway keeps it apart for each attempt. */
export const WORK_REF = 'refs/flowforge/work'

/** The first line of a commit that only keeps uncommitted work; whoever restores it makes it uncommitted again. */
export const WORK_IN_PROGRESS = 'Work in progress, kept by FlowForge'

/** Of people's messages, the newest that Claude was given: what is newer is told to the next attempt. */
const throughMessage = z.number().int().optional()

/** The runner's last word. `completed` without `headCommit`: nothing was changed, nothing was pushed. */
export const SettleReport = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('completed'),
    summary: z.string().max(100_000),
    headCommit: z.string().optional(),
    verify: z.array(VerifyResult),
    sessionId: z.string().optional(),
    throughMessage,
  }),
  /** Waits for a person no longer in this container: what is needed to go on was stored before. */
  z.object({
    outcome: z.literal('parked'),
    verify: z.array(VerifyResult),
    sessionId: z.string().optional(),
    throughMessage,
  }),
  z.object({
    outcome: z.literal('failed'),
    code: FailureCode,
    message: z.string().max(20_000),
    /** Set when the work was pushed although the attempt failed: people want to see what did not pass verify. */
    headCommit: z.string().optional(),
    verify: z.array(VerifyResult),
    sessionId: z.string().optional(),
    throughMessage,
  }),
])
export type SettleReport = z.infer<typeof SettleReport>

/** Errors of the runner API: an HTTP status and this body. */
export const RunnerApiError = z.object({
  code: z.enum([
    'nonce_mismatch',
    'source_seq_gap',
    'token_invalid',
    'lease_lost',
    'bad_request',
    'too_large',
    'unavailable',
    'protocol_version',
  ]),
  message: z.string(),
  expected: z.number().int().optional(),
})
export type RunnerApiError = z.infer<typeof RunnerApiError>
