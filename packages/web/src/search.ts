// What the addresses' query strings may hold. Everything in them is foreign input: unknown values are dropped. Pure.
import type { JobState } from './api/types.ts'

export const JOB_TABS = ['transcript', 'diff', 'details'] as const
export type JobTab = (typeof JOB_TABS)[number]

/** Exhaustive by type: a new state does not compile until it is here. */
const STATES: Record<JobState, true> = {
  pending: true,
  queued: true,
  running: true,
  waiting: true,
  succeeded: true,
  failed: true,
  cancelled: true,
}

export interface JobsSearch {
  state?: JobState
  repository?: string
  q?: string
}

type Raw = Record<string, unknown>
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

export const jobsSearch = (raw: Raw): JobsSearch => ({
  state: Object.hasOwn(STATES, String(raw.state)) ? (raw.state as JobState) : undefined,
  repository: textOf(raw.repository),
  // The router reads `q=12` as a number.
  q: typeof raw.q === 'number' ? String(raw.q) : textOf(raw.q),
})

export const newJobSearch = (raw: Raw): { repository?: string } => ({ repository: textOf(raw.repository) })

export const jobSearch = (raw: Raw): { tab?: JobTab } => ({
  tab: JOB_TABS.find(tab => tab === raw.tab && tab !== 'transcript'),
})

export const signInSearch = (raw: Raw): { returnTo?: string } => ({ returnTo: safeReturn(raw.returnTo) })

/** Only a path of this console: `//evil`, `/\evil` and whole addresses would lead away after sign-in. */
export function safeReturn(value: unknown): string | undefined {
  const path = textOf(value)
  if (!path || !/^\/(?![/\\])/.test(path)) return undefined
  const origin = 'http://console.invalid'
  if (!URL.canParse(path, origin)) return undefined
  const url = new URL(path, origin)
  if (url.origin !== origin || url.pathname === '/sign-in') return undefined
  return url.pathname + url.search + url.hash
}
