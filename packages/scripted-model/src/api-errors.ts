// The errors of the Messages API: types, statuses and usual messages.

export const API_ERRORS = {
  400: { type: 'invalid_request_error', message: 'Bad request' },
  401: { type: 'authentication_error', message: 'invalid x-api-key' },
  403: { type: 'permission_error', message: 'Your API key does not have permission to use this resource' },
  404: { type: 'not_found_error', message: 'Not found' },
  405: { type: 'invalid_request_error', message: 'Method Not Allowed' },
  413: { type: 'request_too_large', message: 'Request exceeds the maximum size' },
  429: {
    type: 'rate_limit_error',
    message: "This request would exceed your organization's rate limit. Please try again later.",
  },
  500: { type: 'api_error', message: 'Internal server error' },
  529: { type: 'overloaded_error', message: 'Overloaded' },
} as const
export type ApiErrorStatus = keyof typeof API_ERRORS

/** Thrown where a request is refused; the server turns it into the API's answer. */
export class ApiError extends Error {
  readonly status: ApiErrorStatus
  readonly retryAfterSeconds: number | undefined

  constructor(
    status: ApiErrorStatus,
    message: string = API_ERRORS[status].message,
    retryAfterSeconds?: number,
  ) {
    super(message)
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export const errorOnTheWire = (error: ApiError, requestId: string) => ({
  type: 'error',
  error: { type: API_ERRORS[error.status].type, message: error.message },
  request_id: requestId,
})
