// Remembers what was asked and answered, for tests to look at. Bounded by number and by bytes.
import type { Usage } from './tokens.ts'

export interface RecordedRequest {
  id: string
  at: string
  method: string
  path: string
  /** The credential that came with it, as it came: never point a real key at this server. */
  auth: { scheme: 'x-api-key' | 'bearer' | 'none'; key?: string }
  userAgent?: string
  headers: Record<string, string>
  model?: string
  stream?: boolean
  kind?: string
  /** The start of the task. */
  task?: string
  scenario?: string
  /** `turn.step` within the scenario. */
  step?: string
  /** Missing while the answer is under way. */
  status?: number
  usage?: Usage
  /** How the answer ended. */
  outcome?: 'complete' | 'client_left' | 'cut' | 'stalled' | 'malformed' | 'error'
  durationMs?: number
}

export interface UsageTotals extends Usage {
  requests: number
  messages: number
}

export interface RequestRecord {
  add(request: RecordedRequest, body: Buffer): void
  count(usage: Usage): void
  list(): RecordedRequest[]
  body(id: string): Buffer | undefined
  totals(): UsageTotals
  clear(): void
}

const nothing = (): UsageTotals => ({
  requests: 0,
  messages: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
})

export function createRequestRecord({
  mostRequests = 2_000,
  mostBodyBytes = 16_000_000,
} = {}): RequestRecord {
  let requests: RecordedRequest[] = []
  let bodies = new Map<string, Buffer>()
  let bodyBytes = 0
  let totals = nothing()

  const keepBody = (id: string, body: Buffer) => {
    bodies.set(id, body)
    bodyBytes += body.length
    for (const [oldId, oldBody] of bodies) {
      if (bodyBytes <= mostBodyBytes) break
      bodies.delete(oldId)
      bodyBytes -= oldBody.length
    }
  }

  return {
    add(request, body) {
      requests.push(request)
      // Dropped in lots: one shift per request would move the whole array each time.
      if (requests.length > mostRequests * 1.1) requests = requests.slice(-mostRequests)
      keepBody(request.id, body)
      totals.requests += 1
    },
    count(usage) {
      totals.messages += 1
      for (const key of ['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens'] as const) {
        totals[key] += usage[key]
      }
    },
    list: () => requests.slice(-mostRequests),
    body: id => bodies.get(id),
    totals: () => ({ ...totals }),
    clear() {
      requests = []
      bodies = new Map()
      bodyBytes = 0
      totals = nothing()
    },
  }
}
