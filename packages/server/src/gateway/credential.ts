// Whether a request carries the attempt's token, in any of the spellings its clients use. Knows nothing of paths.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Digests have one length, so that neither content nor length of the token shows in the time it takes. */
export function createTokenCheck(token: string) {
  const expected = digest(token)
  const matches = (candidate: string | undefined): boolean =>
    candidate !== undefined && candidate !== '' && timingSafeEqual(digest(candidate), expected)

  return {
    /** Runner and Claude Code send Bearer or x-api-key, Git sends Basic with the token as password. */
    origin: (headers: IncomingHttpHeaders): boolean =>
      matches(bearer(headers.authorization)) ||
      matches(single(headers['x-api-key'])) ||
      matches(basicPassword(headers.authorization)),
    /** What proxy clients make of `http://user:token@…` in HTTPS_PROXY. */
    proxy: (headers: IncomingHttpHeaders): boolean =>
      matches(basicPassword(headers['proxy-authorization'])) ||
      matches(bearer(headers['proxy-authorization'])),
  }
}

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? undefined : value

const bearer = (header: string | undefined): string | undefined => /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]

function basicPassword(header: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const pair = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  return colon === -1 ? undefined : pair.slice(colon + 1)
}
