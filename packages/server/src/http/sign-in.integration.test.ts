import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createSignUpLink } from '../auth/first-start.ts'
import { type Answer, startTestServer, type TestServer } from './testing-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const signIn = (way: 'api-key' | 'link', body: object) =>
  server.ask(`/api/auth/sign-in/${way}`, { key: null, body, headers: { origin: server.url } })
const cookieOf = (answer: Answer): string =>
  answer.headers
    .getSetCookie()
    .map(cookie => cookie.split(';')[0])
    .join('; ')
const withCookie = (
  path: string,
  cookie: string,
  asking: { method?: string; origin?: string; body?: unknown } = {},
) =>
  server.ask(path, {
    key: null,
    method: asking.method,
    body: asking.body,
    headers: { cookie, ...(asking.origin !== undefined && { origin: asking.origin }) },
  })
const signedIn = async () => cookieOf(await signIn('api-key', { key: server.keys.first }))

describe('signing in', () => {
  test('with an API key gives a session cookie that scripts can not read', async () => {
    const answer = await signIn('api-key', { key: server.keys.first })
    expect(answer.status).toBe(200)
    expect(answer.headers.getSetCookie().join()).toMatch(/HttpOnly/i)
    expect(answer.headers.getSetCookie().join()).toMatch(/SameSite=Lax/i)
    const me = await withCookie('/api/v1/me', cookieOf(answer))
    expect(me.body).toMatchObject({ via: 'session', role: 'owner', organization: { slug: 'first' } })
  })

  test.each(['ffk_unknown', '', 'x'.repeat(1000)])('with the key %j is refused', async key => {
    const answer = await signIn('api-key', { key })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  test('with the link of the first start works once, also for two at once', async () => {
    const { userId, organizationId } = server.scene.tenant
    const link = await createSignUpLink(server.scene.database, { userId, organizationId }, server.url)
    const token = new URL(link).hash.replace('#token=', '')
    const answers = await Promise.all([signIn('link', { token }), signIn('link', { token })])
    expect(answers.map(answer => answer.status).sort()).toEqual([200, 401])
    expect((await signIn('link', { token })).status).toBe(401)
    const winner = answers.find(answer => answer.status === 200)!
    expect((await withCookie('/api/v1/me', cookieOf(winner))).status).toBe(200)
  })

  test('by oneself, with a mail address and a password, is not possible', async () => {
    const body = { email: 'eve@example.org', password: 'correct horse battery', name: 'Eve' }
    const answer = await server.ask('/api/auth/sign-up/email', { key: null, body })
    expect(answer.status).toBeGreaterThanOrEqual(400)
  })

  test('ends with signing out', async () => {
    const cookie = await signedIn()
    await withCookie('/api/auth/sign-out', cookie, { method: 'POST', origin: server.url, body: {} })
    expect((await withCookie('/api/v1/me', cookie)).status).toBe(401)
  })

  test('with a key says in the end nothing of the key', async () => {
    const answer = await signIn('api-key', { key: server.keys.first })
    expect(answer.text).not.toContain(server.keys.first)
  })
})

describe('a session cookie', () => {
  const cancelNothing = (cookie: string, origin?: string) =>
    withCookie('/api/v1/jobs/1/cancel', cookie, { method: 'POST', origin })

  test('acts for our own pages alone', async () => {
    const cookie = await signedIn()
    expect((await cancelNothing(cookie, server.url)).body.code).toBe('job_not_found')
    for (const origin of [undefined, 'https://evil.example', 'null', server.url.replace('http', 'https:x')])
      expect((await cancelNothing(cookie, origin)).body).toMatchObject({ status: 403, code: 'not_allowed' })
  })

  test('reads without a question of origin', async () => {
    const cookie = await signedIn()
    expect((await withCookie('/api/v1/jobs', cookie, { origin: 'https://evil.example' })).status).toBe(200)
  })

  test('opens no WebSocket for another site', async () => {
    const cookie = await signedIn()
    const open = (origin: string) =>
      new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/live`, { headers: { cookie, origin } })
    const foreign = open('https://evil.example')
    const [, response] = await once(foreign, 'unexpected-response')
    expect(response.statusCode).toBe(403)
    foreign.on('error', () => {})
    foreign.terminate()
    const own = open(server.url)
    await once(own, 'open')
    own.terminate()
  })

  test('that was changed by a letter is none', async () => {
    const cookie = await signedIn()
    expect((await withCookie('/api/v1/me', cookie.replace(/.(.{5})$/, 'X$1'))).status).toBe(401)
  })
})

describe('Git over HTTP', () => {
  const discover = (path: string, password: string | null) =>
    server.ask(`/git/${path}/info/refs?service=git-upload-pack`, {
      key: null,
      headers:
        password === null
          ? {}
          : { authorization: `Basic ${Buffer.from(`any:${password}`).toString('base64')}` },
    })

  test('asks for a key, and refuses an empty one', async () => {
    for (const password of [null, '', 'ffk_unknown']) {
      const answer = await discover('first/sample.git', password)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toContain('Basic')
    }
  })

  test('knows only the repositories of the own organization', async () => {
    await server.ask('/api/v1/repositories', { body: { name: 'hosted' } })
    expect((await discover('first/hosted.git', server.keys.first)).status).toBe(200)
    expect((await discover('first/hosted.git', server.keys.stranger)).status).toBe(404)
    expect((await discover('first/other.git', server.keys.first)).status).toBe(404)
    expect((await discover('stranger/hosted.git', server.keys.stranger)).status).toBe(404)
  })
})
