// Signs a person in to the console with an API key, or with the one-time link of the first start: a session cookie comes
// back. The key itself is not kept.
import type { GenericEndpointContext } from '@better-auth/core'
import type { User } from 'better-auth'
import { APIError, createAuthEndpoint } from 'better-auth/api'
import { setSessionCookie } from 'better-auth/cookies'
import { z } from 'zod'
import { hashApiKey, linkIdentifier } from './api-keys.ts'

async function signIn(ctx: GenericEndpointContext, user: User | null, refusal: string) {
  if (!user) throw new APIError('UNAUTHORIZED', { code: 'not_signed_in', message: refusal })
  const session = await ctx.context.internalAdapter.createSession(user.id)
  await setSessionCookie(ctx, { session, user })
  return ctx.json({ user: { id: user.id, name: user.name, email: user.email } })
}

export const keySignIn = () => ({
  id: 'key-sign-in' as const,
  endpoints: {
    signInApiKey: createAuthEndpoint(
      '/sign-in/api-key',
      { method: 'POST', body: z.object({ key: z.string().min(1).max(512) }) },
      async ctx => {
        const row = await ctx.context.adapter.findOne<{
          referenceId: string
          enabled: boolean
          expiresAt: Date | null
        }>({
          model: 'apikey',
          where: [{ field: 'key', value: hashApiKey(ctx.body.key) }],
        })
        const usable = row?.enabled && (row.expiresAt === null || row.expiresAt.getTime() > Date.now())
        const user = usable ? await ctx.context.internalAdapter.findUserById(row.referenceId) : null
        return signIn(ctx, user, 'This API key is not known or no longer valid')
      },
    ),
    signInLink: createAuthEndpoint(
      '/sign-in/link',
      { method: 'POST', body: z.object({ token: z.string().min(1).max(512) }) },
      async ctx => {
        const identifier = linkIdentifier(ctx.body.token)
        const where = [{ field: 'identifier', value: identifier }]
        const row = await ctx.context.adapter.findOne<{ value: string; expiresAt: Date }>({
          model: 'verification',
          where,
        })
        // Of two that use the link at once, the one that deletes it gets in.
        const taken = row ? await ctx.context.adapter.deleteMany({ model: 'verification', where }) : 0
        const user =
          row && taken > 0 && row.expiresAt.getTime() > Date.now()
            ? await ctx.context.internalAdapter.findUserById(row.value)
            : null
        return signIn(ctx, user, 'This link was used already, or is too old')
      },
    ),
  },
})
