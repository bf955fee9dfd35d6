// Reads values of options and arguments. Each either gives a value or says what would have been right.
import { InvalidArgumentError } from 'commander'
import { usageError } from './failure.ts'

const UNIT_SECONDS = { s: 1, m: 60, h: 3600 } as const

/** `30m`, `1h30m`, `90s` → seconds. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smh])/g)]
  if (parts.length === 0 || parts.map(part => part[0]).join('') !== text) {
    throw new InvalidArgumentError('Write a duration such as 90s, 30m or 1h30m.')
  }
  const seconds = parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS],
    0,
  )
  if (seconds < 1) throw new InvalidArgumentError('It must be at least one second.')
  return Math.round(seconds)
}

/** `22:30` (the next one), `2026-12-24T22:30` (here), with a zone or `Z`, or `+2h` → an instant as the API takes it. */
export function parseMoment(text: string, _previous?: unknown, now: Date = new Date()): string {
  if (text.startsWith('+')) return new Date(now.getTime() + parseDuration(text.slice(1)) * 1000).toISOString()
  const clock = /^(\d{1,2}):(\d{2})$/.exec(text)
  if (clock && Number(clock[1]) < 24 && Number(clock[2]) < 60) {
    const at = new Date(now)
    at.setHours(Number(clock[1]), Number(clock[2]), 0, 0)
    if (at <= now) at.setDate(at.getDate() + 1)
    return at.toISOString()
  }
  const at = new Date(text.replace(/^(\d{4}-\d{2}-\d{2}) (?=\d)/, '$1T'))
  if (!/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(text) || Number.isNaN(at.getTime()))
    throw new InvalidArgumentError('Write a time such as 22:30, 2026-12-24T22:30 or +2h.')
  return at.toISOString()
}

/** `5`, `0.50`, `$5` → dollars. */
export function parseUsd(text: string): number {
  const usd = Number(text.replace(/^\$/, ''))
  if (!/^\$?\d+(\.\d+)?$/.test(text) || usd <= 0) {
    throw new InvalidArgumentError('Write an amount in dollars such as 5 or 0.50.')
  }
  return usd
}

export function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Write a whole number.')
  return Number(text)
}

export function parsePositiveCount(text: string): number {
  const count = parseCount(text)
  if (count === 0) throw new InvalidArgumentError('It must be at least 1.')
  return count
}

/** `--verify A --verify B` → [A, B]. */
export const collect = (value: string, previous: string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
]

/** `12`, `#12` or an id, as the API takes it. */
export function parseJobId(text: string | undefined): string {
  const id = (text ?? '').replace(/^#/, '')
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(id)) {
    throw usageError(`"${text ?? ''}" is not a job.`, 'Give its number (12 or #12) or its id.')
  }
  return id
}

export function parsePort(text: string): number {
  const port = parseCount(text)
  if (port > 65_535) throw new InvalidArgumentError('A port is at most 65535.')
  return port
}
