// The form of an API key. Stored as SHA-256, base64url without padding: the library's own way, so that both sides find it.
import { createHash, randomBytes } from 'node:crypto'

export const hashApiKey = (key: string): string => createHash('sha256').update(key).digest('base64url')
export const newApiKey = (prefix: string): string => prefix + randomBytes(30).toString('base64url')
export const API_KEY_PREFIX = 'ffk_'

/** A one-time link is kept as the hash of its token. */
export const linkIdentifier = (token: string): string => `first-start-link:${hashApiKey(token)}`
