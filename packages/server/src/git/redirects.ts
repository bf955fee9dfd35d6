// Finds where a repository has moved when its host answered with a redirect (a renamed project, a missing ".git", http → https).
// Git itself follows none, because each new address has to be checked first.
import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'

export interface RedirectQuestion {
  url: string
  /** The checked addresses of the URL's host. */
  addresses: readonly string[]
  authorization: string | null
  caFile?: string
}

const SUFFIX = '/info/refs?service=git-upload-pack'
const TIMEOUT_MS = 15_000

/** The repository's new URL, unchecked; null when there is none that Git could use. */
export async function findRedirect({
  url,
  addresses,
  authorization,
  caFile,
}: RedirectQuestion): Promise<string | null> {
  const ca = caFile === undefined ? undefined : await readFile(caFile)
  const location = await ask(new URL(url + SUFFIX), addresses[0]!, authorization, ca).catch(() => null)
  const target = location === null ? null : URL.parse(location, url + SUFFIX)?.href
  return target?.endsWith(SUFFIX) && !(url.startsWith('https:') && target.startsWith('http:'))
    ? target.slice(0, -SUFFIX.length)
    : null
}

function ask(
  url: URL,
  address: string,
  authorization: string | null,
  ca: Buffer | undefined,
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(url, {
      headers: {
        'User-Agent': 'git/2 (FlowForge)',
        ...(authorization === null ? {} : { Authorization: authorization }),
      },
      lookup: (_host, options, answer) => {
        const family = isIP(address)
        if (options.all) answer(null, [{ address, family }])
        else answer(null, address, family)
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(ca === undefined ? {} : { ca }),
    })
    request.on('error', reject)
    request.on('response', response => {
      response.destroy()
      resolve(response.headers.location ?? null)
    })
    request.end()
  })
}
