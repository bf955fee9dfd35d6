// One way to call the HTTP API: JSON in, JSON out, problem documents as ApiError. Knows no endpoint.

export interface FieldError {
  /** Dotted: `verify.0`. */
  path: string
  message: string
}

/** Any failed call. `status` 0: no answer came. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly requestId: string | undefined
  readonly fieldErrors: FieldError[]

  constructor(
    status: number,
    code: string,
    message: string,
    details: { requestId?: string; fieldErrors?: FieldError[]; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause })
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.requestId = details.requestId
    this.fieldErrors = details.fieldErrors ?? []
  }
}

export const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.status === 401

export interface CallOptions {
  query?: Record<string, string | number | undefined>
  body?: unknown
  /** The same key makes a repeated POST harmless. */
  idempotencyKey?: string
  signal?: AbortSignal
}

export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const response = await send(method, path, options)
  if (response.status === 204) return undefined as T
  const body = await readJson(response)
  if (!response.ok) throw problemOf(response, body)
  return body as T
}

async function send(method: string, path: string, options: CallOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (options.idempotencyKey) headers['Idempotency-Key'] = options.idempotencyKey
  try {
    return await fetch(path + queryString(options.query), {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      credentials: 'same-origin',
    })
  } catch (cause) {
    if (options.signal?.aborted) throw cause
    throw new ApiError(
      0,
      'unreachable',
      'FlowForge does not answer. Check that the server runs and try again.',
      {
        cause,
      },
    )
  }
}

function queryString(query: CallOptions['query']): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== '') params.set(name, String(value))
  }
  const text = params.toString()
  return text && `?${text}`
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text()
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    // A proxy's error page, or the console's own index.html where the API has no such path.
    throw new ApiError(
      response.status,
      'malformed_response',
      `The server answered ${response.status} without JSON.`,
      {
        cause,
        requestId: response.headers.get('x-request-id') ?? undefined,
      },
    )
  }
}

function problemOf(response: Response, body: unknown): ApiError {
  const problem = isRecord(body) ? body : {}
  const message = textOf(problem.detail) ?? textOf(problem.title) ?? `The server answered ${response.status}.`
  return new ApiError(response.status, textOf(problem.code) ?? 'unknown', message, {
    requestId: textOf(problem.requestId) ?? response.headers.get('x-request-id') ?? undefined,
    fieldErrors: fieldErrorsOf(problem.errors),
  })
}

export function fieldErrorsOf(errors: unknown): FieldError[] {
  if (!Array.isArray(errors)) return []
  return errors.filter(isRecord).map(error => ({
    path: dotted(error.path),
    message: textOf(error.message) ?? 'This value can not be used',
  }))
}

/** `["verify",0]`, `/verify/0`, `body.verify.0` and `verify[0]` all mean `verify.0`. */
function dotted(path: unknown): string {
  const text = Array.isArray(path) ? path.join('.') : String(path ?? '')
  return text
    .replace(/\[(\d+)\]/g, '.$1')
    .replaceAll('/', '.')
    .replace(/^\.+/, '')
    .replace(/^body\./, '')
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined
