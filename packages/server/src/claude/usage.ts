// Counts what an answer of the Messages API used, from its bytes as they pass by. Bounded memory whatever comes;
// knows nothing of sockets and never changes or holds back a byte.
import { NO_TOKENS, type PriceConditions, type TokenUsage } from './pricing.ts'

export interface CountedUsage {
  /** As the answer names it; undefined when nothing of the kind was seen. */
  model: string | undefined
  tokens: TokenUsage
  /** Work of other models or passes within the same answer (advisor, compaction), billed beside `tokens`. */
  extras: { model: string | undefined; tokens: TokenUsage }[]
  conditions: PriceConditions
  /** The answer ended before its final count: the output was estimated from the text that passed. */
  estimated: boolean
  /** The type of an error that came inside the stream. */
  streamError: string | undefined
}

export interface UsageCounter {
  push(chunk: Uint8Array): void
  finish(): CountedUsage
}

/** Events that matter are a few hundred bytes; a longer line can only be content. */
const MAX_LINE_BYTES = 1024 * 1024
const MAX_JSON_BYTES = 8 * 1024 * 1024
/** On the low side, so that an answer cut by the client is not cheaper than one read to its end. */
const CHARACTERS_PER_TOKEN = 3.5

export function createUsageCounter(kind: 'stream' | 'json'): UsageCounter {
  const tally = createTally()
  const splitter =
    kind === 'stream'
      ? splitLines(MAX_LINE_BYTES, line => readEventLine(line, tally))
      : collectWhole(MAX_JSON_BYTES, text => tally.message(parseObject(text)))
  return {
    push: splitter.push,
    finish() {
      splitter.end()
      return tally.result()
    },
  }
}

interface Splitter {
  push(chunk: Uint8Array): void
  end(): void
}

function splitLines(maxBytes: number, onLine: (line: string) => void): Splitter {
  let parts: Buffer[] = []
  let size = 0
  let skipping = false
  const keep = (part: Buffer) => {
    size += part.length
    if (size > maxBytes) skipping = true
    if (skipping) parts = []
    // A copy: the slice would keep the whole network buffer alive.
    else if (part.length > 0) parts.push(Buffer.from(part))
  }
  const endLine = () => {
    if (!skipping && size > 0) onLine(Buffer.concat(parts, size).toString('utf8'))
    parts = []
    size = 0
    skipping = false
  }
  return {
    push(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      let start = 0
      for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
        keep(bytes.subarray(start, end))
        endLine()
        start = end + 1
      }
      keep(bytes.subarray(start))
    },
    end: endLine,
  }
}

function collectWhole(maxBytes: number, onText: (text: string) => void): Splitter {
  const parts: Uint8Array[] = []
  let size = 0
  return {
    push(chunk) {
      size += chunk.byteLength
      if (size <= maxBytes) parts.push(chunk)
      else parts.length = 0
    },
    end() {
      if (size > 0 && size <= maxBytes) onText(Buffer.concat(parts, size).toString('utf8'))
    },
  }
}

type Fields = Record<string, unknown>

function readEventLine(line: string, tally: ReturnType<typeof createTally>): void {
  if (!line.startsWith('data:')) return
  const event = parseObject(line.slice(5))
  if (event.type === 'message_start') tally.start(fields(event.message))
  else if (event.type === 'content_block_delta') tally.delta(fields(event.delta))
  else if (event.type === 'message_delta') tally.final(fields(event.usage))
  else if (event.type === 'error') tally.error(text(fields(event.error).type) ?? 'error')
}

function createTally() {
  const tokens = { ...NO_TOKENS }
  const conditions: PriceConditions = {}
  let extras: CountedUsage['extras'] = []
  let model: string | undefined
  let streamError: string | undefined
  let characters = 0
  let isFinal = false

  const merge = (usage: Fields) => {
    mergeTokens(tokens, usage)
    if (usage.speed === 'fast') conditions.fast = true
    if (usage.inference_geo === 'us') conditions.usOnly = true
    if (Array.isArray(usage.iterations)) extras = otherIterations(usage.iterations)
  }
  return {
    start(message: Fields) {
      model = text(message.model) ?? model
      merge(fields(message.usage))
    },
    delta(delta: Fields) {
      const written = text(delta.text) ?? text(delta.partial_json) ?? text(delta.thinking)
      characters += written?.length ?? 0
    },
    final(usage: Fields) {
      merge(usage)
      isFinal = true
    },
    message(message: Fields) {
      if (message.type !== 'message') return
      model = text(message.model) ?? model
      merge(fields(message.usage))
      isFinal = true
    },
    error(type: string) {
      streamError = type
    },
    result(): CountedUsage {
      const estimate = Math.ceil(characters / CHARACTERS_PER_TOKEN)
      const estimated = !isFinal && estimate > tokens.outputTokens
      const outputTokens = estimated ? estimate : tokens.outputTokens
      return { model, tokens: { ...tokens, outputTokens }, extras, conditions, estimated, streamError }
    },
  }
}

/** Counts are cumulative: a later one replaces an earlier one, an absent one leaves it. */
function mergeTokens(tokens: TokenUsage, usage: Fields): void {
  tokens.inputTokens = count(usage.input_tokens) ?? tokens.inputTokens
  tokens.outputTokens = count(usage.output_tokens) ?? tokens.outputTokens
  tokens.cacheReadTokens = count(usage.cache_read_input_tokens) ?? tokens.cacheReadTokens
  tokens.webSearches = count(fields(usage.server_tool_use).web_search_requests) ?? tokens.webSearches
  const writes = count(usage.cache_creation_input_tokens)
  if (writes === undefined) return
  const split = count(fields(usage.cache_creation).ephemeral_1h_input_tokens)
  // Without a split (later events leave it out) the hour's share that is known already stays.
  tokens.cacheWrite1hTokens = Math.min(split ?? tokens.cacheWrite1hTokens, writes)
  tokens.cacheWrite5mTokens = writes - tokens.cacheWrite1hTokens
}

/** The totals cover the iterations of type `message` only. */
function otherIterations(iterations: unknown[]): CountedUsage['extras'] {
  return iterations
    .map(fields)
    .filter(iteration => iteration.type !== 'message')
    .map(iteration => {
      const tokens = { ...NO_TOKENS }
      mergeTokens(tokens, iteration)
      return { model: text(iteration.model), tokens }
    })
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined
const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

function parseObject(json: string): Fields {
  try {
    return fields(JSON.parse(json))
  } catch {
    return {}
  }
}
