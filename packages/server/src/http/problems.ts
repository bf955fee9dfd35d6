// Errors as the outside sees them: application/problem+json (RFC 9457) with `code` and `requestId`.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ERRORS, type ErrorCode, FlowForgeError } from '../errors.ts'

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details' })

interface ProblemExtras {
  errors?: Array<{ path: string; message: string }>
  retryAfterSeconds?: number
}

const UNAVAILABLE_RETRY_SECONDS = 2

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ErrorCode,
  detail: string,
  extras: ProblemExtras = {},
) {
  const { status, title } = ERRORS[code]
  if (status === 503) reply.header('retry-after', extras.retryAfterSeconds ?? UNAVAILABLE_RETRY_SECONDS)
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="flowforge"')
  return reply
    .code(status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send({ type: 'about:blank', title, status, detail, code, requestId: request.id, errors: extras.errors })
}

export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  if (error instanceof FlowForgeError) {
    const fieldErrors = error.details.errors as ProblemExtras['errors']
    if (error.status >= 500) request.log.warn({ err: error }, 'request failed')
    return sendProblem(request, reply, error.code, error.message, { errors: fieldErrors })
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map(issue => ({
      path: issue.instancePath.replace(/^\//, '').replaceAll('/', '.'),
      message: issue.message ?? 'is not valid',
    }))
    const first = errors[0]
    return sendProblem(
      request,
      reply,
      'validation_failed',
      first ? `${first.path || 'body'}: ${first.message}` : 'The request is not valid.',
      { errors },
    )
  }
  return handleFrameworkError(error as FastifyError, request, reply)
}

/** Fastify's own refusals (body too large, not JSON, …) have a 4xx status; everything else is a bug. */
function handleFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const status = error.statusCode ?? 500
  if (status === 413)
    return sendProblem(
      request,
      reply,
      'payload_too_large',
      'The request body is larger than 2 MiB. Attach large texts as files.',
    )
  if (status === 429) return sendProblem(request, reply, 'rate_limited', error.message)
  if (status >= 400 && status < 500) return sendProblem(request, reply, 'malformed_request', error.message)
  request.log.error({ err: error }, 'request failed unexpectedly')
  return sendProblem(
    request,
    reply,
    'internal_error',
    'FlowForge failed at this request. Its log has the details under this requestId.',
  )
}
