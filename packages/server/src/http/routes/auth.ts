// /api/auth/*: the sign-in library's endpoints, passed through as they are.
import type { FastifyPluginAsync } from 'fastify'
import { assertAnswers } from '../../store/database.ts'
import type { HttpContext } from '../context.ts'
import { headerPairs } from '../request-origin.ts'

export const authRoutes =
  ({ auth, publicUrl, database }: HttpContext): FastifyPluginAsync =>
  async app => {
    app.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: 64 * 1024 },
      (_request, body, done) => done(null, body),
    )
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'buffer', bodyLimit: 64 * 1024 },
      (_request, body, done) => done(null, body),
    )
    app.route({
      method: ['GET', 'POST'],
      url: '/api/auth/*',
      schema: { hide: true },
      handler: async (request, reply) => {
        const response = await (await auth()).handler(
          new Request(new URL(request.url, publicUrl), {
            method: request.method,
            headers: headerPairs(request.headers),
            body: request.method === 'POST' ? (request.body as Buffer<ArrayBuffer> | undefined) : undefined,
          }),
        )
        // The library hides why it failed.
        if (response.status >= 500) await assertAnswers(database)
        reply.code(response.status)
        for (const [name, value] of response.headers) if (name !== 'set-cookie') reply.header(name, value)
        for (const value of response.headers.getSetCookie()) reply.header('set-cookie', value)
        return reply.send(response.body === null ? null : Buffer.from(await response.arrayBuffer()))
      },
    })
  }
