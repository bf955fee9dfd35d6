// /git/{organization}/{repository}.git: Git smart HTTP for people. Basic sign-in: any user name, an API key as password.
import type { FastifyPluginAsync } from 'fastify'
import { FlowForgeError } from '../../errors.ts'
import { findRepositoryByName } from '../../store/repositories.ts'
import type { HttpContext } from '../context.ts'

export const gitRoutes =
  (context: HttpContext): FastifyPluginAsync =>
  async app => {
    // Packs are streamed from the raw request; nothing is parsed or limited here.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    app.route<{ Params: { organization: string; '*': string } }>({
      method: ['GET', 'POST'],
      url: '/git/:organization/*',
      schema: { hide: true },
      handler: async (request, reply) => {
        const key = basicPassword(request.headers.authorization)
        const principal = key === undefined ? undefined : await context.authenticator.byKey(key)
        if (!principal)
          return reply
            .code(401)
            .header('www-authenticate', 'Basic realm="FlowForge", charset="UTF-8"')
            .type('text/plain')
            .send('Give an API key as password.\n')
        const [, name, rest] = /^(.+?)\.git(\/.*)$/.exec(request.params['*']) ?? []
        const repository =
          name !== undefined && request.params.organization === principal.organization.slug
            ? await context.database.inOrganization(principal.organizationId, tx =>
                findRepositoryByName(tx, principal.organizationId, name),
              )
            : undefined
        if (!repository)
          throw new FlowForgeError(
            'repository_not_found',
            'There is no such repository in your organization.',
          )
        reply.hijack()
        const url = new URL(request.url, 'http://localhost')
        await context.peopleGit(
          request.raw,
          reply.raw,
          {
            repositoryId: repository.id,
            kind: repository.url === null ? 'hosted' : 'mirror',
            canPush: repository.url === null,
          },
          `${rest}${url.search}`,
        )
      },
    })
  }

/** RFC 7617. */
function basicPassword(header: string | undefined): string | undefined {
  const encoded = /^Basic\s+([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const pair = Buffer.from(encoded, 'base64').toString('utf8')
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined
}
