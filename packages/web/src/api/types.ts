// The shapes that the HTTP API gives and takes, where the SDK doesn't name them. No behaviour.
import type { Job, JobEvent, Priority } from '@flowforge/sdk'

export type {
  Answers,
  Attempt,
  Job,
  JobChange,
  JobEvent,
  JobRelations,
  JobState,
  NewSchedule,
  Priority,
  Reply,
  Schedule,
  ScheduleChange,
  SchedulePreview,
  Stage,
  Verdict,
  VerifyResult,
} from '@flowforge/sdk'

export interface Page<T> {
  data: T[]
  nextCursor: string | null
  hasMore: boolean
}

export interface Me {
  user: { id: string; name: string; email: string } | null
  organization: { id: string; slug: string; name: string }
  role: string
  via: 'session' | 'apiKey'
}

export interface Repository {
  id: string
  name: string
  /** Absent or null: hosted by FlowForge itself. */
  url?: string | null
  defaultBranch?: string | null
  createdAt: string
}

export interface ApiKey {
  id: string
  name: string | null
  /** The first characters: enough to recognise a key, not to use it. */
  start: string | null
  createdAt: string
  lastUsedAt?: string | null
  expiresAt?: string | null
}

export interface NewApiKey extends ApiKey {
  key: string
}

export interface System {
  version: string
  executor: string
  workers: number
  scriptedModel: boolean
  isolation: 'full' | 'reduced' | 'none'
  queue: { queued: number; running: number }
  /** What is away at the moment, although FlowForge works; older servers say nothing of it. */
  degraded?: string[]
}

export interface JobDiff {
  base: string
  head: string
  stat: { filesChanged: number; insertions: number; deletions: number }
  diff: string
  truncated: boolean
}

export interface NewJob {
  repositoryId: string
  task: string
  baseBranch?: string
  branch?: string
  priority?: Priority
  verify?: string[]
  setup?: string[]
  model?: string
  budgetUsd?: number
  timeoutSeconds?: number
  planFirst?: boolean
  questions?: 'ask' | 'decide'
  runAt?: string
  needs?: string[]
  cache?: boolean
}

export interface JobFilter {
  state?: Job['state']
  repositoryId?: string
}

/** The API sends `JobEvent`; a newer server may send types that this console doesn't know. */
export type StreamedEvent = JobEvent
