// Whether the upstream is the scripted model, which says so in a header. Asked once at start, of other addresses than Claude's own.
import { DEFAULT_CLAUDE_BASE_URL } from './keys.ts'

const TIMEOUT_MS = 2_000

export type UpstreamKind = 'claude' | 'scripted'

export async function findUpstreamKind(baseUrl: string): Promise<UpstreamKind> {
  if (baseUrl === DEFAULT_CLAUDE_BASE_URL) return 'claude'
  try {
    const answer = await fetch(baseUrl, {
      method: 'HEAD',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'manual',
    })
    return answer.headers.has('x-scripted-model') ? 'scripted' : 'claude'
  } catch {
    return 'claude'
  }
}
