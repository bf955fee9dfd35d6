// The HTTP server: plugins, sign-in on every route of /api/v1, problem documents, OpenAPI, console.
import { randomUUID } from 'node:crypto'
import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import {
  createJsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import type { HttpContext } from './context.ts'
import { openApiDocument } from './openapi.ts'
import { handleError, sendProblem } from './problems.ts'
import { headerPairs, refuseForeignOrigin } from './request-origin.ts'
import { apiKeyRoutes } from './routes/api-keys.ts'
import { attemptRoutes } from './routes/attempts.ts'
import { authRoutes } from './routes/auth.ts'
import { docsRoutes } from './routes/docs.ts'
import { gitRoutes } from './routes/git.ts'
import { healthRoutes } from './routes/health.ts'
import { jobConversationRoutes } from './routes/job-conversation.ts'
import { jobStoryRoutes } from './routes/job-story.ts'
import { jobRoutes } from './routes/jobs.ts'
import { limitRoutes } from './routes/limits.ts'
import { liveRoutes, liveTicket } from './routes/live.ts'
import { repositoryRoutes } from './routes/repositories.ts'
import { retentionRoutes } from './routes/retention.ts'
import { scheduleRoutes } from './routes/schedules.ts'
import { systemRoutes } from './routes/system.ts'
import { webRoutes } from './routes/web.ts'

export type App = FastifyInstance

const BODY_LIMIT_BYTES = 2 * 1024 * 1024

/** Resolves when every route is there; it does not listen yet. */
export async function createApp(context: HttpContext): Promise<App> {
  const app = Fastify({
    loggerInstance: context.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: 'idle',
    // A request that still comes in on an open connection is answered like any other; `closing` moves the client on.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 500 },
    // What can not even be routed, such as a path with a broken escape.
    frameworkErrors: (error, request, reply) => void handleError(error, request, reply),
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setErrorHandler(handleError)
  app.decorateRequest('principal')
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
    reply.header('referrer-policy', 'no-referrer')
    if (context.closing.hasBegun) reply.header('connection', 'close')
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async (request, reply) => {
    request.log.debug(
      {
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'answered',
    )
  })

  // Without compression: live-connection.ts writes frames, and a context for each client costs memory.
  await app.register(websocket, { options: { maxPayload: 64 * 1024, perMessageDeflate: false } })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'FlowForge',
        version: context.version,
        description: 'Runs Claude Code tasks for a team, in isolated containers, on your own machines.',
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key (ffk_…)' },
          session: { type: 'apiKey', in: 'cookie', name: 'flowforge.session_token' },
        },
      },
      security: [{ apiKey: [] }, { session: [] }],
    },
    transform: createJsonSchemaTransform({ skipList: [] }),
    transformObject: openApiDocument,
  })

  await app.register(healthRoutes(context))
  await app.register(authRoutes(context))
  await app.register(gitRoutes(context))
  await app.register(
    async api => {
      const typed = api.withTypeProvider<ZodTypeProvider>()
      api.addHook('onRequest', async request => {
        const ticket = liveTicket(request)
        request.principal = ticket
          ? await context.tickets.redeem(ticket)
          : await context.authenticator.authenticate(new Headers(headerPairs(request.headers)))
        refuseForeignOrigin(request, context.publicUrl)
      })
      await typed.register(jobRoutes(context))
      await typed.register(attemptRoutes(context))
      await typed.register(jobConversationRoutes(context))
      await typed.register(jobStoryRoutes(context))
      await typed.register(liveRoutes(context))
      await typed.register(repositoryRoutes(context))
      await typed.register(scheduleRoutes(context))
      await typed.register(limitRoutes(context))
      await typed.register(apiKeyRoutes(context))
      await typed.register(retentionRoutes(context))
      await typed.register(systemRoutes(context))
    },
    { prefix: '/api/v1' },
  )
  await app.register(docsRoutes())
  await app.register(webRoutes(context))
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      'not_found',
      `There is no ${request.method} ${request.url.split('?')[0]} here. See /api/docs.`,
    ),
  )
  await app.ready()
  return app
}
