// The OpenAPI document and its reference page.
import type { FastifyPluginAsync } from 'fastify'

export const docsRoutes = (): FastifyPluginAsync => async app => {
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  // Scripts and styles of the page are inline: it gets a policy of its own, without access to the API's cookies' pages.
  const { default: reference } = await import('@scalar/fastify-api-reference')
  await app.register(reference, {
    routePrefix: '/api/docs',
    configuration: { url: '/api/openapi.json', withDefaultFonts: false },
  })
}
