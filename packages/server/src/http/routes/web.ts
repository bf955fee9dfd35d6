// The console: built files with long caching, index.html for every other page address.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync } from 'fastify'
import type { HttpContext } from '../context.ts'

/** Content Security Policy Level 3. Inline style attributes are what the diff viewer and the virtual list position with. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')
const YEAR_SECONDS = 365 * 24 * 3600

export const webRoutes =
  ({ webDirectory }: HttpContext): FastifyPluginAsync =>
  async app => {
    if (webDirectory === null) return
    const index = readFileSync(join(webDirectory, 'index.html'))
    await app.register(fastifyStatic, {
      root: webDirectory,
      wildcard: false,
      index: false,
      immutable: true,
      maxAge: YEAR_SECONDS * 1000,
    })
    app.get('/*', { schema: { hide: true } }, async (request, reply) => {
      // A page is for browsers, at addresses without a file ending; every other question is about something that is not there.
      const path = request.url.split('?', 1)[0]!
      const isPage = request.headers.accept?.includes('text/html') === true
      if (!isPage || /^\/(api|git)\//.test(path) || /\.[a-z0-9]+$/i.test(path)) return reply.callNotFound()
      return reply
        .header('content-security-policy', POLICY)
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .send(index)
    })
  }
