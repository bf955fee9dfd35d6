// Failures as people read them: one sentence that says what happened, one that says what to do, and an exit code.
import type { FlowForgeApiError, FlowForgeConnectionError } from '@flowforge/sdk'
import { EXIT, type ExitCode } from './exit-codes.ts'

/** An expected failure that the CLI found by itself. */
export class CliFailure extends Error {
  readonly exitCode: ExitCode
  readonly next: string | undefined

  constructor(message: string, options: { next?: string; exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'CliFailure'
    this.exitCode = options.exitCode ?? EXIT.failure
    this.next = options.next
  }
}

export const usageError = (message: string, next?: string): CliFailure =>
  new CliFailure(message, { exitCode: EXIT.usage, ...(next === undefined ? {} : { next }) })

export interface FailureText {
  message: string
  next?: string | undefined
  exitCode: ExitCode
}

/** Where the failed command wanted to go; absent when it failed before it knew. */
export interface FailurePlace {
  url: string
  isLoopback: boolean
  hasToken: boolean
}

/** The server's codes that mean: asked for in a way that can not work. */
const USAGE_CODES = new Set([
  'validation_failed',
  'malformed_request',
  'repository_url_invalid',
  'branch_name_invalid',
  'run_at_invalid',
  'needs_cycle',
  'schedule_invalid',
  'config_invalid',
])

export function describeFailure(error: unknown, place: FailurePlace | undefined): FailureText {
  if (error instanceof CliFailure) return error
  if (isConnectionError(error) && place) return describeConnection(error, place)
  if (isApiError(error)) return describeApi(error, place)
  const message = error instanceof Error ? error.message : String(error)
  return { message: `Unexpected failure: ${message}`, exitCode: EXIT.failure }
}

// By name, not by class: the SDK is loaded only by commands that talk to a server.
export const isConnectionError = (error: unknown): error is FlowForgeConnectionError =>
  error instanceof Error && error.name === 'FlowForgeConnectionError'

export const isApiError = (error: unknown, code?: string): error is FlowForgeApiError =>
  error instanceof Error &&
  error.name === 'FlowForgeApiError' &&
  (code === undefined || (error as FlowForgeApiError).code === code)

function describeConnection(error: FlowForgeConnectionError, place: FailurePlace): FailureText {
  const exitCode = EXIT.failure
  if (place.isLoopback && error.message.includes('ECONNREFUSED')) {
    return {
      message: `FlowForge is not running at ${place.url}.`,
      next: 'Start it with: flowforge up',
      exitCode,
    }
  }
  const next = 'Check that it runs there, and the address (--url or FLOWFORGE_URL).'
  return { message: `FlowForge did not answer: ${error.message}.`, next, exitCode }
}

function describeApi(error: FlowForgeApiError, place: FailurePlace | undefined): FailureText {
  if (error.status === 401) return describeSignedOut(place)
  const fields = error.errors
    .filter(field => !error.message.includes(field.message))
    .map(field => `${field.path} ${field.message}`)
  const request = error.status >= 500 && error.requestId ? ` (request ${error.requestId})` : ''
  return {
    message: `${[error.message, ...fields].join('; ')}${request}`,
    exitCode:
      error.status === 403 ? EXIT.notAllowed : USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failure,
  }
}

function describeSignedOut(place: FailurePlace | undefined): FailureText {
  const at = place ? ` ${place.url}` : ''
  return {
    message: place?.hasToken ? `The API key is not accepted by${at}.` : `You are not signed in to${at}.`,
    next: 'Sign in with: flowforge login (or set FLOWFORGE_TOKEN)',
    exitCode: EXIT.notAllowed,
  }
}
