// Makes any text fit to be stored and shown: no NUL, no lone surrogate, bounded length. Pure.

/** JSON and Postgres text can't hold U+0000; its picture says what was there. */
export const cleanText = (text: string): string => text.replaceAll('\0', '␀').toWellFormed()

/** Cuts without splitting a surrogate pair. */
const safeCut = (text: string, at: number): number => {
  const unit = text.charCodeAt(at - 1)
  return unit >= 0xd800 && unit <= 0xdbff ? at - 1 : at
}

export const cutEnd = (text: string, maxChars: number): string => {
  if (text.length <= maxChars) return text
  const at = safeCut(text, maxChars)
  return `${text.slice(0, at)}… [${text.length - at} more characters cut]`
}

/** Keeps head and tail: what a tool answered starts and ends with what matters. */
export const cutMiddle = (text: string, maxChars: number): string => {
  if (text.length <= maxChars) return text
  const head = safeCut(text, Math.ceil(maxChars / 2))
  const tail = safeCut(text, text.length - Math.floor(maxChars / 2))
  return `${text.slice(0, head)}\n… [${tail - head} characters cut] …\n${text.slice(tail)}`
}

export const cutStart = (text: string, maxChars: number): string => {
  if (text.length <= maxChars) return text
  const at = safeCut(text, text.length - maxChars)
  return `[${at} characters cut] …${text.slice(at)}`
}

const MAX_DEPTH = 12
const MAX_ITEMS = 1000

/** Any JSON-like value with every string cleaned and cut; what is too deep or too many is left out with a mark. */
export const cleanValue = (value: unknown, maxChars: number, depth = 0): unknown => {
  if (typeof value === 'string') return cutMiddle(cleanText(value), maxChars)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return '… [nested too deeply]'
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map(item => cleanValue(item, maxChars, depth + 1))
    return value.length > MAX_ITEMS ? [...items, `… [${value.length - MAX_ITEMS} more]`] : items
  }
  const entries = Object.entries(value).slice(0, MAX_ITEMS)
  return Object.fromEntries(
    entries.map(([key, item]) => [cutEnd(cleanText(key), 500), cleanValue(item, maxChars, depth + 1)]),
  )
}
