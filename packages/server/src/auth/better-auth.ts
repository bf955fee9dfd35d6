// Sign-in, users, organizations and API keys: the library's tables and endpoints (/api/auth/*), set up once.
// Knows nothing of jobs. What FlowForge asks on every request (whose key is this?) is in `principal.ts`.
import { apiKey } from '@better-auth/api-key'
import { betterAuth } from 'better-auth'
import { organization } from 'better-auth/plugins/organization'
import type pg from 'pg'
import { API_KEY_PREFIX } from './api-keys.ts'
import { keySignIn } from './key-sign-in.ts'

export interface AuthOptions {
  pool: pg.Pool
  /** The address people use; cookies are `Secure` when it is https. */
  publicUrl: string
  /** Signs cookies. Derived from the master key. */
  secret: string
}

export type Auth = ReturnType<typeof createAuth>

export function createAuth({ pool, publicUrl, secret }: AuthOptions) {
  return betterAuth({
    appName: 'FlowForge',
    baseURL: publicUrl,
    basePath: '/api/auth',
    secret,
    database: pool,
    telemetry: { enabled: false },
    logger: { disabled: true },
    // Accounts come from the first-start link, invitations and single sign-on; nobody signs up by themselves.
    emailAndPassword: { enabled: true, disableSignUp: true },
    advanced: { cookiePrefix: 'flowforge' },
    plugins: [
      organization({ allowUserToCreateOrganization: false }),
      apiKey({
        defaultPrefix: API_KEY_PREFIX,
        defaultKeyLength: 40,
        enableMetadata: true,
        // A limit per key would write a row on every request.
        rateLimit: { enabled: false },
      }),
      keySignIn(),
    ],
  })
}
