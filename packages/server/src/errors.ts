// The catalogue of expected failures: each has a code, an HTTP status, a CLI exit code and a sentence that says what
// happened and what to do. Anything thrown that is not a FlowForgeError is a bug and becomes `internal_error`.

interface Entry {
  status: number
  /** Exit code of the CLI: 1 failure, 4 not signed in or not allowed, 64 wrong usage. */
  exitCode: 1 | 4 | 64
  title: string
}

export const ERRORS = {
  validation_failed: { status: 422, exitCode: 64, title: 'The request has fields that can not be used' },
  malformed_request: { status: 400, exitCode: 64, title: 'The request can not be read' },
  not_signed_in: { status: 401, exitCode: 4, title: 'Sign in, or send an API key' },
  not_allowed: { status: 403, exitCode: 4, title: 'Your role does not allow this' },
  not_found: { status: 404, exitCode: 1, title: 'There is no such thing here' },
  job_not_found: { status: 404, exitCode: 1, title: 'There is no such job' },
  repository_not_found: { status: 404, exitCode: 1, title: 'There is no such repository' },
  repository_name_taken: { status: 409, exitCode: 1, title: 'A repository of this name exists already' },
  repository_busy: { status: 409, exitCode: 1, title: 'The repository has unfinished jobs' },
  repository_url_invalid: {
    status: 422,
    exitCode: 64,
    title: 'This is not a Git URL that FlowForge can use',
  },
  address_not_allowed: { status: 422, exitCode: 1, title: 'This address is private and not trusted' },
  branch_name_invalid: { status: 422, exitCode: 64, title: 'This is not a branch name' },
  model_not_allowed: { status: 422, exitCode: 1, title: 'This model is not allowed here' },
  run_at_invalid: { status: 422, exitCode: 64, title: 'This is not a time at which the job can start' },
  needs_cycle: { status: 422, exitCode: 64, title: 'The jobs wait for each other' },
  budget_below_spent: { status: 422, exitCode: 1, title: 'The job has spent more than this already' },
  schedule_not_found: { status: 404, exitCode: 1, title: 'There is no such schedule' },
  schedule_name_taken: { status: 409, exitCode: 1, title: 'A schedule of this name exists already' },
  schedule_invalid: { status: 422, exitCode: 64, title: 'This schedule would never run' },
  job_state_conflict: { status: 409, exitCode: 1, title: 'The job is not in a state that allows this' },
  request_not_found: { status: 404, exitCode: 1, title: 'The job has not asked this' },
  request_decided: { status: 409, exitCode: 1, title: 'This was decided already' },
  idempotency_key_reused: {
    status: 422,
    exitCode: 1,
    title: 'This Idempotency-Key was used with another request',
  },
  payload_too_large: { status: 413, exitCode: 1, title: 'The request is too large' },
  rate_limited: { status: 429, exitCode: 1, title: 'Too many requests' },
  unavailable: { status: 503, exitCode: 1, title: 'FlowForge can not answer right now' },
  internal_error: { status: 500, exitCode: 1, title: 'FlowForge failed at this' },

  git_auth: { status: 502, exitCode: 1, title: 'The Git host refused the credential' },
  git_unreachable: { status: 502, exitCode: 1, title: 'The Git host can not be reached' },
  base_not_found: { status: 422, exitCode: 1, title: 'The base branch does not exist' },
  push_rejected: { status: 409, exitCode: 1, title: 'The Git host refused the push' },
  disk_full: { status: 507, exitCode: 1, title: 'No space is left' },
  storage_unavailable: { status: 503, exitCode: 1, title: 'The object storage does not answer' },
  object_damaged: { status: 500, exitCode: 1, title: 'A stored object is not what was stored' },
  repository_empty: { status: 422, exitCode: 1, title: 'The repository has no commits' },

  docker_unavailable: { status: 503, exitCode: 1, title: 'Docker does not answer' },
  image_unavailable: { status: 503, exitCode: 1, title: 'The agent image is missing' },
  no_capacity: { status: 503, exitCode: 1, title: 'The executor has no room for another container' },
  lease_lost: { status: 409, exitCode: 1, title: 'The attempt belongs to another worker now' },
  config_invalid: { status: 500, exitCode: 64, title: 'The configuration can not be used' },
  port_taken: { status: 500, exitCode: 1, title: 'The port is in use' },
  backup_damaged: { status: 422, exitCode: 1, title: 'The backup can not be used' },
  backup_key_wrong: { status: 422, exitCode: 1, title: 'The backup was made with another master key' },
  backup_not_found: { status: 404, exitCode: 1, title: 'There is no such backup' },
  backup_failed: { status: 500, exitCode: 1, title: 'The backup could not be made' },
  system_not_empty: { status: 409, exitCode: 1, title: 'A backup is restored into an empty system only' },
  migration_failed: { status: 500, exitCode: 1, title: 'The database could not be brought to this version' },
  version_unsupported: { status: 500, exitCode: 1, title: 'This version can not work with that database' },
  broker_unavailable: { status: 503, exitCode: 1, title: 'The message broker can not be reached' },
  database_unavailable: { status: 503, exitCode: 1, title: 'Postgres can not be reached' },
} as const satisfies Record<string, Entry>

export type ErrorCode = keyof typeof ERRORS

/** An expected failure. `message` says what happened here, with names and values, and what to do about it. */
export class FlowForgeError extends Error {
  readonly code: ErrorCode
  /** Further fields of the problem document. Never holds secrets. */
  readonly details: Record<string, unknown>

  constructor(
    code: ErrorCode,
    message?: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message ?? ERRORS[code].title, { cause: options.cause })
    this.name = 'FlowForgeError'
    this.code = code
    this.details = options.details ?? {}
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

export const isFlowForgeError = (error: unknown, code?: ErrorCode): error is FlowForgeError =>
  error instanceof FlowForgeError && (code === undefined || error.code === code)
