// The server's part: HTTP, live streams, sign-in. Any number of them may run.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Auth } from '../auth/better-auth.ts'
import { createLiveTickets } from '../auth/live-tickets.ts'
import { createAuthenticator } from '../auth/principal.ts'
import type { Doctor } from '../doctor.ts'
import { FlowForgeError } from '../errors.ts'
import { createPeopleGit } from '../git/people.ts'
import { type App, createApp } from '../http/app.ts'
import { createClosing } from '../http/closing.ts'
import { createJobStreams } from '../live/job-stream.ts'
import { createOrganizationStreams } from '../live/organization-stream.ts'
import { createRecentEvents } from '../live/recent-events.ts'
import { createStory } from '../live/story.ts'
import { createRepositoryFiles } from '../repositories/worker-repositories.ts'
import type { Foundation } from './foundation.ts'

const WEB_DIRECTORY = fileURLToPath(new URL('../../../web/dist', import.meta.url))

const IDLE_CHECK_MS = 50

export interface ServerRole {
  /** Throws `port_taken`. */
  listen(): Promise<void>
  /** From here on /readyz says that this server goes. */
  beginClosing(): void
  /** Ends streams with a hint, and finishes what is under way within the limit. */
  close(limitMs: number): Promise<void>
}

export async function createServerRole(foundation: Foundation, doctor: Doctor): Promise<ServerRole> {
  const { config, database, bus, sealing, mirrors } = foundation
  const auth = lazily(() => loadAuth(foundation))
  const authenticator = createAuthenticator({ database, auth })
  const story = createStory(foundation)
  const recent = createRecentEvents(story)
  const closing = createClosing()
  const peopleGit = createPeopleGit({ pathOf: mirrors.pathOf })
  const app = await createApp({
    version: config.version,
    publicUrl: config.publicUrl,
    database,
    auth,
    authenticator,
    tickets: createLiveTickets(database),
    sealing,
    events: foundation.events,
    doorbell: foundation.doorbell,
    signal: foundation.signal,
    links: foundation.links,
    story,
    recentEvents: recent,
    jobStreams: createJobStreams({ recent, bus }),
    organizationStreams: createOrganizationStreams({ database, recent, bus }),
    files: createRepositoryFiles(mirrors),
    peopleGit: async (req, res, repository, pathRest) => {
      await peopleGit.handle(req, res, { ...repository, pathRest })
    },
    doctor,
    closing,
    trustedHosts: config.trustedHosts,
    keepDays: config.keepDays,
    webDirectory: existsSync(`${WEB_DIRECTORY}/index.html`) ? WEB_DIRECTORY : null,
    leaseSeconds: config.leaseSeconds,
    log: foundation.log,
  })
  return {
    listen: () => listen(app, foundation),
    beginClosing: closing.begin,
    close: async limitMs => {
      closing.begin()
      const late = setTimeout(() => app.server.closeAllConnections(), limitMs)
      await closing.noticed(limitMs / 2)
      closing.endStreams()
      // What was under way when the server closed leaves its connection idle, and Node.js keeps that open.
      const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS)
      await app.close()
      clearInterval(idle)
      clearTimeout(late)
      await authenticator.close()
    },
  }
}

/** Loaded at the first sign-in: API keys do without, and a start should not wait for it. */
async function loadAuth({ config, database, sealing }: Foundation): Promise<Auth> {
  const { createAuth } = await import('../auth/better-auth.ts')
  return createAuth({
    pool: database.pool,
    publicUrl: config.publicUrl,
    secret: sealing.derive('sessions').toString('base64'),
  })
}

function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined
  return () => {
    loaded ??= load()
    return loaded
  }
}

async function listen(app: App, { config }: Foundation): Promise<void> {
  try {
    await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      throw new FlowForgeError(
        'port_taken',
        `Port ${config.port} on ${config.host} is in use. Stop what uses it, or choose another: FLOWFORGE_PORT=7421 flowforge up`,
        { cause: error },
      )
    }
    if (code === 'EADDRNOTAVAIL' || code === 'EACCES') {
      throw new FlowForgeError(
        'config_invalid',
        `FlowForge can not listen on ${config.host}:${config.port} (${code}). Check FLOWFORGE_HOST and FLOWFORGE_PORT.`,
        { cause: error },
      )
    }
    throw error
  }
}
