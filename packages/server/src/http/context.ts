// What the routes are given: the acts of the domain folders with their surroundings.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Auth } from '../auth/better-auth.ts'
import type { LiveTickets } from '../auth/live-tickets.ts'
import type { Authenticator, Principal } from '../auth/principal.ts'
import type { Doctor } from '../doctor.ts'
import type { AttemptSignal, Doorbell, EventLog } from '../jobs/ports.ts'
import type { createJobStreams } from '../live/job-stream.ts'
import type { createOrganizationStreams } from '../live/organization-stream.ts'
import type { RecentEvents } from '../live/recent-events.ts'
import type { Story } from '../live/story.ts'
import type { Links } from '../queue/link.ts'
import type { RepositoryFiles } from '../repositories/ports.ts'
import type { KeepDays } from '../retention/settings.ts'
import type { Sealing } from '../secrets/sealing.ts'
import type { Database } from '../store/database.ts'
import type { Closing } from './closing.ts'

export interface HttpContext {
  version: string
  publicUrl: string
  database: Database
  /** Loaded at the first request that needs it: API keys do without. */
  auth: () => Promise<Auth>
  authenticator: Authenticator
  tickets: LiveTickets
  sealing: Sealing
  events: EventLog
  doorbell: Doorbell
  signal: AttemptSignal
  links: Links
  story: Story
  recentEvents: RecentEvents
  jobStreams: ReturnType<typeof createJobStreams>
  organizationStreams: ReturnType<typeof createOrganizationStreams>
  files: RepositoryFiles
  /** Git smart HTTP for people; `rest` is the path after the repository. */
  peopleGit: (
    req: IncomingMessage,
    res: ServerResponse,
    repository: PeopleRepository,
    rest: string,
  ) => Promise<void>
  doctor: Doctor
  closing: Closing
  trustedHosts: string[]
  /** How long things are kept where an organization says nothing. */
  keepDays: KeepDays
  /** Built console; null when it was not built. */
  webDirectory: string | null
  leaseSeconds: number
  log: Logger
}

export interface PeopleRepository {
  repositoryId: string
  kind: 'hosted' | 'mirror'
  canPush: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal
  }
}
