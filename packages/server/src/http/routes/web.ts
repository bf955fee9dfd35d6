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
    const page = { method: 'GET' as const, schema: { hide: true } }
    for (const url of [
      '/',
      '/sign-in',
      '/sign-up',
      '/jobs',
      '/jobs/*',
      '/repositories',
      '/repositories/*',
      '/settings',
      '/settings/*',
    ]) {
      app.route({
        ...page,
        url,
        handler: async (_request, reply) =>
          reply
            .header('content-security-policy', POLICY)
            .header('cache-control', 'no-cache')
            .type('text/html; charset=utf-8')
            .send(index),
      })
    }
  }
