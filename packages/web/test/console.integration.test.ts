import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { PEER_KEY, type Peer, startPeer } from './peer.ts'
import { newSchedule } from './peer-schedules.ts'
import { buildConsole, type Device, launch, openVisitor, type Visitor } from './visitor.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

let browser: Browser
let built: { shots: string; dist: string }
let peer: Peer
let visitor: Visitor
let page: Page

beforeAll(async () => {
  built = await buildConsole()
  browser = await launch()
})

afterAll(async () => {
  await browser?.close()
  process.stdout.write(`Screenshots: ${built?.shots}\n`)
})

beforeEach(async () => {
  peer = await startPeer({ dist: built.dist, speed: 4 })
  await open()
})

afterEach(async () => {
  await visitor.close()
  await peer.close()
  expect(visitor.complaints).toEqual([])
})

async function open(device?: Device) {
  visitor = await openVisitor(browser, { url: peer.url, shots: built.shots }, device)
  page = visitor.page
}

const see = (text: string | RegExp) => visitor.see(text)

function addRepository() {
  const createdAt = new Date().toISOString()
  peer.repositories.push({ id: 'r1', name: 'storefront', url: null, defaultBranch: 'main', createdAt })
  return 'r1'
}

test('a person signs in with a key, lands where they wanted to go, and the key stays nowhere', async () => {
  await page.goto(`${peer.url}/repositories`)
  await page.getByLabel('API key').fill('ffk_wrong')
  await page.keyboard.press('Enter')
  await see('This key is not valid')
  await page.getByLabel('API key').fill(PEER_KEY)
  await page.keyboard.press('Enter')
  await see('No repositories yet')
  const kept = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
  )
  expect(kept).not.toContain(PEER_KEY)
  await page.getByRole('button', { name: /Sign out/ }).click()
  await page.getByLabel('API key').waitFor()
})

test('from nothing to a finished job, by keyboard', async () => {
  await visitor.signIn()
  await see('Run your first job')
  await page.keyboard.press('c')
  await page.getByRole('textbox', { name: 'Task' }).fill('The checkout total is wrong.\nFix it.')
  await page.keyboard.press('Control+Enter')
  await see('Choose the repository to work on.')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByLabel('Name').fill('storefront')
  await page.keyboard.press('Enter')
  await see(/git push .*\/git\/default\/storefront\.git HEAD:refs\/heads\/main/)
  await page.getByLabel('Base branch').fill('nope')
  await page.keyboard.press('Control+Enter')
  await see('The base branch nope does not exist')
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-invalid'))).toBe('true')
  await page.getByLabel('Base branch').fill('')
  await page.keyboard.press('Control+Enter')
  await page.getByRole('heading', { level: 1, name: 'The checkout total is wrong.' }).waitFor()
  expect(peer.jobs.all()).toHaveLength(1)
  await page.getByRole('region', { name: 'Result' }).waitFor()
  await see('All 14 tests pass.')
  await visitor.shoot('finished')
})

test('a job is watched live, through a cut connection, without losing or repeating anything', async () => {
  await visitor.signIn()
  const { id } = peer.jobs.submit({ task: 'Watch me', repositoryId: addRepository() })
  await page.goto(`${peer.url}/jobs/${id}`)
  await page.locator('[aria-label="Claude is writing"]').waitFor()
  await see('Find every caller of applyCoupon')
  await visitor.shoot('live')
  peer.cut()
  await see(/Network access to telemetry\.example\.com:443 blocked/)
  await see('Push to refs/heads/main refused')
  await page.getByRole('region', { name: 'Result' }).waitFor()
  const order = await page.evaluate(() =>
    [...document.querySelectorAll('[role=feed] [data-index]')].map(row =>
      Number(row.getAttribute('data-index')),
    ),
  )
  expect(new Set(order).size).toBe(order.length)
  await page.keyboard.press('3')
  await see(`${peer.jobs.get(id)?.events.length} events`)
})

test('the transcript follows its end until the reader scrolls up', async () => {
  await visitor.signIn()
  const { id } = peer.jobs.submit({ task: 'Long', repositoryId: addRepository() })
  await page.goto(`${peer.url}/jobs/${id}`)
  await see('Find every caller of applyCoupon')
  await page.mouse.move(600, 500)
  await page.mouse.wheel(0, -600)
  await page.getByRole('button', { name: 'Jump to latest' }).click()
  await page.getByRole('region', { name: 'Result' }).waitFor()
  await page.waitForFunction(() => document.documentElement.scrollHeight - innerHeight - scrollY < 80)
})

test('a job of thousands of events is shown at its end, drawn only where one looks', async () => {
  await visitor.signIn()
  const { id } = peer.jobs.submit(
    { task: 'Long', repositoryId: addRepository() },
    { agoMs: 60_000, beats: 60 },
  )
  const events = peer.jobs.get(id)?.events ?? []
  for (let line = 0; line < 4_000; line += 1) {
    const common = { jobId: id, attempt: 1, at: new Date().toISOString(), seq: events.length + 1 }
    events.push({ ...common, type: 'claude.message', data: { text: `Line ${line}` } })
  }
  await page.goto(`${peer.url}/jobs/${id}`)
  await see('Line 3999')
  expect(await page.locator('[role=feed] > *').count()).toBeLessThan(60)
})

test('a running job is cancelled after a question', async () => {
  await visitor.signIn()
  const { id } = peer.jobs.submit(
    { task: 'Stop me', repositoryId: addRepository() },
    { agoMs: 60_000, beats: 20 },
  )
  await page.goto(`${peer.url}/jobs/${id}`)
  await page.getByRole('button', { name: 'Cancel' }).click()
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Keep running')
  await page.keyboard.press('Escape')
  expect(peer.jobs.get(id)?.job.state).toBe('running')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: 'Cancel job' }).click()
  await see('Cancelled by Ada. Nothing was pushed.')
})

test('a waiting job is given another priority and a budget', async () => {
  await visitor.signIn()
  const { id } = peer.jobs.submit({ task: 'Later', repositoryId: addRepository() }, { story: 'hold' })
  Object.assign(peer.jobs.get(id)!.job, { costUsd: 0.5 })
  await page.goto(`${peer.url}/jobs/${id}`)
  await page.getByRole('button', { name: 'Change' }).click()
  await page.getByLabel('Budget').fill('0.2')
  await page.getByLabel('Priority').selectOption('high')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Save' }).click()
  await see('is below what is spent')
  await visitor.shoot('change')
  await page.getByLabel('Budget').fill('3')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await see('of $3.00')
  expect(peer.jobs.get(id)!.job).toMatchObject({ priority: 'high', budgetUsd: 3 })
})

test('the diff is shown file by file, and what stands in it does nothing', async () => {
  await visitor.signIn()
  const { id } = peer.jobs.submit({ task: 'Done', repositoryId: addRepository() }, { agoMs: 60_000 })
  await page.goto(`${peer.url}/jobs/${id}?tab=diff`)
  await see('onerror="document.title=\'pwned\'"')
  expect(await page.title()).not.toContain('pwned')
  expect(await page.locator('main img').count()).toBe(0)
  await page.getByRole('button', { name: 'Split' }).click()
  await page
    .getByRole('article', { name: 'package-lock.json' })
    .getByRole('button', { name: 'Show it' })
    .click()
  await see('"1.4.2"')
  await visitor.shoot('diff')
})

test('the list follows what happens, is filtered by its address and walked by keys', async () => {
  await visitor.signIn()
  const repositoryId = addRepository()
  peer.jobs.submit({ task: 'Old and done', repositoryId }, { agoMs: 9e6 })
  peer.jobs.submit({ task: 'Broken', repositoryId }, { agoMs: 8e6, story: 'failure' })
  await see('Old and done')
  await page.getByLabel('State').selectOption('failed')
  await page.getByText('Old and done').waitFor({ state: 'detached' })
  expect(page.url()).toContain('state=failed')
  await page.goto(peer.url)
  await see('Old and done')
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Old and done')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Old and done' }).waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('r')
  await page.getByRole('heading', { level: 1, name: 'Repositories' }).waitFor()
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('content')
})

const QUESTION = {
  questions: [
    {
      question: 'Which rounding should totals use?',
      header: 'Rounding',
      multiSelect: false,
      options: [
        { label: 'Half up', description: 'As the invoices do' },
        { label: 'Half even', description: 'As the ledger does' },
      ],
    },
  ],
}
const PLAN = '# The plan\n\n1. Move the rounding into `money.ts`.\n2. Test it with **half cents**.'
const waitingJob = (kind: 'question' | 'plan' | 'tool', input: unknown) => {
  const repositoryId = peer.repositories[0]?.id ?? addRepository()
  const job = peer.jobs.submit({ task: 'Round well', repositoryId }, { agoMs: 60_000, beats: 12 })
  peer.jobs.tell(job.id, { type: 'approval.requested', data: { requestId: `${kind}-1`, kind, input } })
  peer.jobs.tell(job.id, {
    type: 'job.waiting',
    data: { waitingFor: kind === 'plan' ? 'plan' : 'question' },
  })
  return job
}

test('a question stands out in the list and is answered by keyboard', async () => {
  const job = waitingJob('question', QUESTION)
  await visitor.signIn()
  await see('needs an answer')
  await visitor.shoot('waiting-list')
  await page.goto(`${peer.url}/jobs/${job.id}`)
  const card = page.getByRole('region', { name: 'Claude has a question' })
  await card.getByRole('button', { name: 'Send answer' }).click()
  await see('Answer each question, or let Claude decide.')
  await card.getByRole('radio', { name: /Half up/ }).focus()
  await page.keyboard.press('ArrowDown')
  await visitor.shoot('waiting-question')
  await page.keyboard.press('Enter')
  await expect
    .poll(() => peer.said)
    .toEqual([{ answers: { 'Which rounding should totals use?': 'Half even' } }])
})

test('a plan is read, sent back with words, and approved', async () => {
  const job = waitingJob('plan', { plan: PLAN })
  await visitor.signIn(`/jobs/${job.id}`)
  const card = page.getByRole('region', { name: 'Claude has a plan' })
  await card.getByText('half cents').waitFor()
  await card.getByRole('button', { name: 'Ask for changes' }).click()
  await page.keyboard.type('Keep it in total.ts')
  await visitor.shoot('waiting-plan')
  await card.getByRole('button', { name: 'Send back' }).click()
  await card.waitFor({ state: 'detached' })
  await see('Not approved')
  expect(peer.said).toEqual([{ requestId: 'plan-1', decision: 'deny', note: 'Keep it in total.ts' }])
})

test('a finished job is continued with words', async () => {
  const job = peer.jobs.submit({ task: 'Done', repositoryId: addRepository() }, { agoMs: 9e6 })
  await visitor.signIn(`/jobs/${job.id}`)
  await page.getByLabel('Continue').fill('Now the same for refunds.')
  await page.keyboard.press('Control+Enter')
  await expect.poll(() => peer.said).toEqual([{ text: 'Now the same for refunds.' }])
  await expect.poll(() => page.getByLabel('Continue').inputValue()).toBe('')
})

test('a key is shown once', async () => {
  await visitor.signIn('/settings/api-keys')
  await page.getByRole('button', { name: 'New key' }).click()
  await page.getByLabel('Name').fill('laptop')
  await page.keyboard.press('Enter')
  const key = await page.getByText(/^ffk_[0-9a-f]{32}$/).textContent()
  await page.getByRole('button', { name: 'Done' }).click()
  await see('laptop')
  expect(await page.content()).not.toContain(key)
  await page.getByRole('button', { name: 'Revoke laptop' }).click()
  await page.getByRole('button', { name: 'Revoke', exact: true }).click()
  await page.getByText('laptop', { exact: true }).waitFor({ state: 'detached' })
})

test('a schedule is made with a look ahead, paused, run now and removed', async () => {
  addRepository()
  await visitor.signIn('/schedules')
  await see('No schedules yet')
  await page.getByRole('button', { name: 'New schedule' }).first().click()
  await page.getByLabel('Name').fill('nightly updates')
  await page.getByRole('textbox', { name: 'Task' }).fill('Bring the dependencies up to date.')
  await page.getByLabel('When', { exact: true }).fill('0 0 30 2 *')
  await see(/is never due/)
  await page.getByLabel('A usual time').selectOption('0 3 * * *')
  await page.getByLabel('Time zone').fill('Europe/Berlin')
  await see('Tue 1 Jan 2030, 03:00 in Europe/Berlin')
  await visitor.shoot('schedule-form')
  await page.getByRole('button', { name: 'Create schedule' }).click()
  await see('Choose the repository to work on.')
  await page.getByLabel('Repository').selectOption({ label: 'storefront' })
  await page.getByRole('button', { name: 'Create schedule' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(peer.schedules).toMatchObject([
    { name: 'nightly updates', cron: '0 3 * * *', timezone: 'Europe/Berlin', repositoryId: 'r1' },
  ])
  await page.getByRole('button', { name: 'Pause nightly updates' }).click()
  await page.getByText('paused', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Edit nightly updates' }).click()
  await page.getByRole('textbox', { name: 'Task' }).fill('Something else.')
  await page.getByRole('button', { name: 'Save' }).click()
  await see('Something else.')
  await page.getByRole('button', { name: 'Run now: nightly updates' }).click()
  await page.getByRole('heading', { level: 1, name: 'Something else.' }).waitFor()
  await page.getByRole('link', { name: 'nightly updates' }).click()
  await page.getByRole('button', { name: 'Remove nightly updates' }).click()
  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await see('No schedules yet')
})

test('a job shows what it needs, what waits for it, and whose result it has', async () => {
  await visitor.signIn()
  const repositoryId = addRepository()
  const first = peer.jobs.submit({ task: 'Build it', repositoryId }, { agoMs: 9e6 })
  const again = peer.jobs.submit({ task: 'Build it again', repositoryId }, { agoMs: 8e6 })
  Object.assign(again, { cachedFrom: first.id, cachedFromNumber: first.number })
  const next = peer.jobs.submit({ task: 'Test it', repositoryId, needs: [first.id] }, { story: 'hold' })
  Object.assign(next, { state: 'pending' })
  await page.goto(`${peer.url}/jobs/${next.id}`)
  await page.getByRole('region', { name: 'Needs' }).getByRole('link', { name: 'Build it' }).click()
  await page
    .getByRole('region', { name: 'Waiting for this' })
    .getByRole('link', { name: 'Test it' })
    .waitFor()
  await page.goto(`${peer.url}/jobs/${again.id}`)
  await see(/Nothing was worked out anew/)
  await page.goto(peer.url)
  await see('waits for other jobs')
})

test.each<Device & { name: string }>([
  { name: 'light', theme: 'light' },
  { name: 'dark', theme: 'dark' },
  { name: 'phone', theme: 'dark', phone: true },
])('every page is accessible and fits its window: $name', { timeout: 90_000 }, async ({
  name,
  ...device
}) => {
  await visitor.close()
  await open(device)
  const repositoryId = addRepository()
  peer.schedules.push(
    newSchedule({
      name: 'nightly updates',
      repositoryId,
      timezone: 'Asia/Tokyo',
      job: { task: 'Bring the dependencies up to date.' },
    }),
    newSchedule({
      name: 'weekly report',
      enabled: false,
      nextRunAt: null,
      lastError: {
        code: 'repository_not_found',
        message: 'The repository of this schedule was removed.',
        at: '',
      },
      job: { task: 'Say what has changed.' },
    }),
  )
  const done = peer.jobs.submit({ task: 'Done', repositoryId, verify: ['npm test'] }, { agoMs: 9e6 })
  const failed = peer.jobs.submit({ task: 'Broken', repositoryId }, { agoMs: 8e6, story: 'failure' })
  const running = peer.jobs.submit({ task: 'Half way', repositoryId }, { agoMs: 60_000, beats: 60 })
  const asking = waitingJob('question', QUESTION)
  const planned = waitingJob('plan', { plan: PLAN })
  const calling = waitingJob('tool', { tool: 'Bash', input: { command: 'git push origin main' } })
  await page.goto(peer.url)
  await page.getByLabel('API key').waitFor()
  expect(await visitor.faults()).toEqual([])
  await visitor.signIn()
  const places: [path: string, ready: string][] = [
    ['/', 'Half way'],
    [`/jobs/${running.id}`, 'Find every caller of applyCoupon'],
    [`/jobs/${done.id}`, 'Take the branch into your clone'],
    [`/jobs/${failed.id}`, 'What to do:'],
    [`/jobs/${asking.id}?q`, 'Half even'],
    [`/jobs/${planned.id}?p`, 'Approve plan'],
    [`/jobs/${calling.id}?c`, 'Deny and say why'],
    [`/jobs/${done.id}?tab=diff`, 'A coupon is worth something'],
    [`/jobs/${done.id}?tab=details`, 'finishedAt'],
    ['/new', 'Advanced'],
    ['/repositories', 'storefront'],
    ['/schedules', 'nightly updates'],
    ['/settings/api-keys', 'Bootstrap'],
    ['/nowhere', 'There is no such page'],
  ]
  for (const [path, ready] of places) {
    await page.goto(peer.url + path)
    await see(ready)
    await visitor.shoot(`${name}${path.replace(/[^a-z]+/g, '-')}`)
    expect(await visitor.faults(), path).toEqual([])
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(overflow, `${path} is wider than the window`).toBeLessThanOrEqual(0)
  }
})
