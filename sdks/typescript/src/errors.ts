// What can go wrong between a program and FlowForge: FlowForge said no, or it could not be reached.

export interface FieldError {
  /** Where in the request, as in `verify[0]`. */
  path: string
  message: string
}

/** FlowForge answered with a problem document (RFC 9457), or something before it answered with an error. */
export class FlowForgeApiError extends Error {
  readonly status: number
  /** Stable; compare this, not the message. `http_<status>` when the answer was no problem document. */
  readonly code: string
  /** Name it when you report a fault. */
  readonly requestId: string | undefined
  readonly errors: FieldError[]

  constructor(fields: {
    status: number
    code: string
    message: string
    requestId?: string | undefined
    errors?: FieldError[]
  }) {
    super(fields.message)
    this.name = 'FlowForgeApiError'
    this.status = fields.status
    this.code = fields.code
    this.requestId = fields.requestId
    this.errors = fields.errors ?? []
  }
}

/** No answer: refused, no such host, cut, or too slow. The cause is kept. */
export class FlowForgeConnectionError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'FlowForgeConnectionError'
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

function readFieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return []
  return value
    .filter(isRecord)
    .map(entry => ({ path: text(entry.path) ?? '', message: text(entry.message) ?? 'is not valid' }))
}

/** Reads the error that an answer with a status of 400 or more means. Never throws. */
export async function readApiError(response: Response): Promise<FlowForgeApiError> {
  const body: unknown = await response.json().catch(() => undefined)
  const problem = isRecord(body) ? body : {}
  return new FlowForgeApiError({
    status: response.status,
    code: text(problem.code) ?? `http_${response.status}`,
    message:
      text(problem.detail) ??
      text(problem.title) ??
      `The server answered ${response.status} ${response.statusText}`.trim(),
    requestId: text(problem.requestId) ?? response.headers.get('x-request-id') ?? undefined,
    errors: readFieldErrors(problem.errors),
  })
}
