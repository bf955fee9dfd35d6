// What a request to Claude costs, from a dated table of public prices. Pure; knows nothing of who asked or why.

/** What one answer used, as the Messages API counts it. Cache reads and writes are not part of `inputTokens`. */
export interface TokenUsage {
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWrite5mTokens: number
  cacheWrite1hTokens: number
  webSearches: number
}

export const NO_TOKENS: TokenUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  webSearches: 0,
}

/** What changes the price of a request besides its tokens. */
export interface PriceConditions {
  /** The faster, dearer way of serving (`usage.speed` is `fast`). */
  fast?: boolean
  /** Kept within the United States (`usage.inference_geo` is `us`). */
  usOnly?: boolean
}

export interface Cost {
  costUsd: number
  /** False when the model is not in the table and a neighbour's price was taken. */
  priceKnown: boolean
}

/** USD per million tokens. */
interface Rates {
  input: number
  output: number
  cacheWrite5m: number
  cacheWrite1h: number
  cacheRead: number
}

interface Price extends Rates {
  fastFactor?: number
  /** From this many prompt tokens (cached ones included) on, every token of the request costs these rates. */
  longPrompt?: Rates & { aboveTokens: number }
}

/** The day on which the table was last compared with the published prices. */
export const PRICES_AS_OF = '2026-10-24'
const WEB_SEARCH_USD = 0.01
const US_ONLY_FACTOR = 1.1

/** Cache writes cost 1.25 and 2 times the input everywhere; reads mostly a tenth. */
const rates = (input: number, output: number, cacheRead = input / 10): Rates => ({
  input,
  output,
  cacheWrite5m: input * 1.25,
  cacheWrite1h: input * 2,
  cacheRead,
})

/** The longest prefix that fits a model's id wins. */
const PRICES: Record<string, Price> = {
  'claude-mythos-5-1': rates(10, 50, 0.25),
  'claude-mythos-5': rates(10, 50),
  'claude-fable-5-1': rates(10, 50, 0.25),
  'claude-fable-5': rates(10, 50),
  'claude-opus-5-5': { ...rates(4, 20, 0.2), fastFactor: 2 },
  'claude-opus-5': { ...rates(5, 25), fastFactor: 2 },
  'claude-opus-4-8': { ...rates(5, 25), fastFactor: 2 },
  'claude-opus-4-7': { ...rates(5, 25), fastFactor: 6 },
  'claude-opus-4-6': { ...rates(5, 25), fastFactor: 6 },
  'claude-opus-4-5': rates(5, 25),
  'claude-opus-4': rates(15, 75),
  'claude-3-opus': rates(15, 75),
  'claude-sonnet-5-5': rates(2, 10, 0.1),
  'claude-sonnet-5': rates(2, 10),
  'claude-sonnet-4': rates(3, 15),
  'claude-3-7-sonnet': rates(3, 15),
  'claude-3-5-sonnet': rates(3, 15),
  'claude-haiku-5-5': { ...rates(0.1, 0.5), longPrompt: { aboveTokens: 100_000, ...rates(0.5, 2.5) } },
  'claude-haiku-4-5': rates(1, 5),
  'claude-3-5-haiku': rates(0.8, 4),
  'claude-3-haiku': { ...rates(0.25, 1.25, 0.03), cacheWrite5m: 0.3 },
}

/** For models newer than the table: never cheaper than what the family costs now. */
const FAMILIES: [RegExp, Price][] = [
  [/haiku/, rates(1, 5)],
  [/sonnet/, rates(3, 15)],
  [/opus/, { ...rates(5, 25), fastFactor: 6 }],
]
const DEAREST: Price = { ...rates(15, 75), fastFactor: 6 }

export function priceRequest(model: string, usage: TokenUsage, conditions: PriceConditions = {}): Cost {
  const { price, known } = findPrice(model)
  const promptTokens =
    usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens
  const applied = price.longPrompt && promptTokens > price.longPrompt.aboveTokens ? price.longPrompt : price
  const tokensUsd =
    (usage.inputTokens * applied.input +
      usage.outputTokens * applied.output +
      usage.cacheReadTokens * applied.cacheRead +
      usage.cacheWrite5mTokens * applied.cacheWrite5m +
      usage.cacheWrite1hTokens * applied.cacheWrite1h) /
    1_000_000
  const factor = (conditions.fast ? (price.fastFactor ?? 1) : 1) * (conditions.usOnly ? US_ONLY_FACTOR : 1)
  return { costUsd: tokensUsd * factor + usage.webSearches * WEB_SEARCH_USD, priceKnown: known }
}

function findPrice(model: string): { price: Price; known: boolean } {
  // Some gateways put a provider's name before the id or a variant behind it.
  const id = /claude-[a-z0-9-]+/.exec(model.toLowerCase())?.[0] ?? model.toLowerCase()
  const prefix = Object.keys(PRICES)
    .filter(candidate => isVersionOf(id, candidate))
    .sort((a, b) => b.length - a.length)[0]
  if (prefix !== undefined) return { price: PRICES[prefix]!, known: true }
  const family = FAMILIES.find(([pattern]) => pattern.test(id))
  return { price: family?.[1] ?? DEAREST, known: false }
}

/** `claude-opus-4` covers `claude-opus-4-20250514` and `claude-opus-4-1…`, but not `claude-opus-40`. */
const isVersionOf = (id: string, prefix: string): boolean => id === prefix || id.startsWith(`${prefix}-`)
