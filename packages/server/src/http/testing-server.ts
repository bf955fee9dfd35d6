// A server as it is wired for people, on a scene: a free port, a real Postgres, keys for two organizations.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { expect } from 'vitest'
import { newApiKey } from '../auth/api-keys.ts'
import { storeKey } from '../auth/first-start.ts'
import { createChecks } from '../bin/checks.ts'
import { createServerRole } from '../bin/server-role.ts'
import { readConfig } from '../config.ts'
import { createMirrors } from '../git/mirrors.ts'
import { createScene, type Tenant } from '../jobs/testing-scene.ts'
import { type Links, POSTGRES_LINK } from '../queue/link.ts'
import { createSealing } from '../secrets/sealing.ts'
import type { ObjectStorage } from '../storage/port.ts'
import { createLeaderLock } from '../store/leader-lock.ts'

export interface Answer {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of an answer
  body: any
}
export interface Asking {
  method?: string
  body?: unknown
  /** null: none. Absent: the first organization's. */
  key?: string | null
  headers?: Record<string, string>
}

export type TestServer = Awaited<ReturnType<typeof startTestServer>>

export async function startTestServer({
  storage = found => found,
  links = {},
  log = pino({ level: 'silent' }),
}: {
  /** What the server is given instead of the scene's. */
  storage?: (found: ObjectStorage) => ObjectStorage
  links?: Partial<Links>
  log?: Logger
} = {}) {
  const scene = await createScene()
  const directory = await mkdtemp(join(tmpdir(), 'ffs-'))
  const port = await freePort()
  const config = readConfig({
    FLOWFORGE_PORT: String(port),
    FLOWFORGE_DATA_DIR: directory,
    FLOWFORGE_EXECUTOR: 'dummy',
  })
  const sealing = createSealing(Buffer.alloc(32, 1))
  const foundation = {
    ...scene,
    config,
    log,
    sealing,
    storage: storage(scene.storage),
    queueSweep: [],
    links: { queue: POSTGRES_LINK, bus: POSTGRES_LINK, ...links },
    mirrors: createMirrors({ directory: join(directory, 'git'), trustedHosts: [] }),
    sweeperLock: createLeaderLock(scene.test.appConfig, { key: 1, silenceMs: 30_000 }),
    installationId: 'test',
    owner: scene.test.ownerConfig,
  }
  const doctor = createChecks(foundation, null)
  const server = await createServerRole(foundation, doctor)
  await server.listen()
  const keyOf = async (tenant: Tenant): Promise<string> => {
    const key = newApiKey('ffk_')
    await scene.database.acrossOrganizations(tx => storeKey(tx, tenant, key, 'test'))
    return key
  }
  const stranger = await scene.addTenant('stranger')
  const keys = { first: await keyOf(scene.tenant), stranger: await keyOf(stranger) }

  const ask = async (path: string, asking: Asking = {}): Promise<Answer> => {
    const { key = keys.first, body, headers = {} } = asking
    const response = await fetch(`${config.publicUrl}${path}`, {
      method: asking.method ?? (body === undefined ? 'GET' : 'POST'),
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      redirect: 'manual',
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    }
  }

  return {
    scene,
    stranger,
    keys,
    keyOf,
    url: config.publicUrl,
    ask,
    close: async () => {
      await server.close(5_000)
      await scene.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The answer is this problem document, and says what it is about. */
export const isProblem = (answer: Answer, status: number, code: string) => {
  expect([answer.status, answer.body?.code, answer.body?.detail]).toEqual([status, code, expect.any(String)])
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.body.requestId).toBe(answer.headers.get('x-request-id'))
  expect(answer.body.status).toBe(status)
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
