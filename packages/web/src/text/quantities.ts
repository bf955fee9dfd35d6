// Durations, ages, money and counts in words that fit in a dense line. Pure; the clock is an input.

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** `840ms`, `8.4s`, `42s`, `3m 05s`, `2h 07m`, `3d 4h`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '0s'
  if (ms < SECOND_MS) return `${Math.round(ms)}ms`
  if (ms < 9_950) return `${(ms / SECOND_MS).toFixed(1)}s`
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)}s`
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m ${two((ms % MINUTE_MS) / SECOND_MS)}s`
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)}h ${two((ms % HOUR_MS) / MINUTE_MS)}m`
  return `${Math.floor(ms / DAY_MS)}d ${Math.floor((ms % DAY_MS) / HOUR_MS)}h`
}

/** Whole seconds, for what ticks: `0s`, `8s`, `3m 05s`. */
export const formatElapsed = (ms: number): string =>
  ms < MINUTE_MS ? `${Math.max(0, Math.floor(ms / SECOND_MS))}s` : formatDuration(ms)

/** `now`, `5m`, `3h`, `2d`, `7w`, `2y`: how long ago. */
export function formatAge(at: string, now: number): string {
  const ms = now - Date.parse(at)
  if (!Number.isFinite(ms)) return ''
  if (ms < MINUTE_MS) return 'now'
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m`
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)}h`
  if (ms < 14 * DAY_MS) return `${Math.floor(ms / DAY_MS)}d`
  if (ms < 365 * DAY_MS) return `${Math.floor(ms / (7 * DAY_MS))}w`
  return `${Math.floor(ms / (365 * DAY_MS))}y`
}

/** Small amounts keep enough digits to tell them apart; nothing is rounded down to free. */
export function formatUsd(usd: number): string {
  if (usd === 0) return '$0'
  if (usd < 0.001) return '<$0.001'
  return usd < 0.1 ? `$${usd.toFixed(3)}` : `$${usd.toFixed(2)}`
}

/** `950`, `12.3k`, `1.2M`. */
export function formatCount(count: number): string {
  if (count < 1_000) return String(count)
  if (count < 999_950) return `${(count / 1_000).toFixed(1).replace(/\.0$/, '')}k`
  return `${(count / 1_000_000).toFixed(1).replace(/\.0$/, '')}M`
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
