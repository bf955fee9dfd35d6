// The console in a real browser, on the real server: sign in, submit, watch, look at the diff, cancel.
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Device, launch, openVisitor, type Visitor } from '../packages/web/test/visitor.ts'
import { makeSampleRepository } from '../script/lib/demo/place.ts'
import { type System, startSystem } from './system.ts'

const SHOTS = join(import.meta.dirname, 'output')
const TASK = 'The total on invoices is sometimes a cent off. Find the bug, fix it and add a test.'

// Without a browser there is no console to look at; script/setup does not bring one, script/test does.
describe.skipIf(!existsSync('/usr/bin/chromium'))('the console', () => {
  let system: System
  let browser: Browser
  const visitors: Visitor[] = []
  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true })
    // Slow enough to be seen while it is under way.
    system = await startSystem({ model: { pace: 0.3 } })
    const sample = await makeSampleRepository(system.directory)
    const pushed = await system.cli(['repo', 'push', 'invoice'], { cwd: sample }).finished
    expect(pushed.exitCode, pushed.stderr).toBe(0)
    browser = await launch()
  })
  afterEach(async () => {
    const complaints = visitors.flatMap(visitor => visitor.complaints)
    await Promise.all(visitors.splice(0).map(visitor => visitor.close()))
    expect(complaints).toEqual([])
  })
  afterAll(async () => {
    await browser?.close()
    await system?.stop()
  })

  const visit = async (device?: Device): Promise<Visitor> => {
    const visitor = await openVisitor(browser, { url: system.url, shots: SHOTS }, device)
    visitors.push(visitor)
    return visitor
  }

  const signIn = async (visitor: Visitor, path = '/'): Promise<void> => {
    await visitor.page.goto(system.url + path)
    await visitor.page.getByLabel('API key').fill(system.token)
    await visitor.page.keyboard.press('Enter')
    await visitor.page.getByLabel('API key').waitFor({ state: 'detached' })
  }

  const untilState = (visitor: Visitor, state: RegExp): Promise<void> =>
    visitor.page
      .getByRole('status')
      .filter({ hasText: state })
      .first()
      .waitFor({ state: 'attached', timeout: 60_000 })

  const submit = async ({ page }: Visitor, task: string): Promise<void> => {
    await page.goto(`${system.url}/new`)
    await page.getByLabel('Task', { exact: false }).first().fill(task)
    await page.getByRole('option', { name: 'invoice' }).waitFor({ state: 'attached' })
    await page.getByLabel('Repository').selectOption({ label: 'invoice' })
    await page.getByRole('button', { name: 'Run job' }).click()
  }

  it('lets nobody in without a key', async () => {
    const visitor = await visit()
    await visitor.page.goto(`${system.url}/jobs/1`)
    await visitor.page.getByLabel('API key').fill('ffk_wrong_0123456789')
    await visitor.shoot('sign-in')
    await visitor.page.keyboard.press('Enter')
    await visitor.see('This key is not valid')
  })

  it('shows a job live from its first word to its diff', async () => {
    const visitor = await visit()
    await signIn(visitor)
    await visitor.shoot('first-steps')
    await submit(visitor, TASK)
    await visitor.see('how the project is laid out')
    await visitor.see('scripted')
    await visitor.see('There it is')
    await visitor.shoot('job-running')
    await untilState(visitor, /succeeded/i)
    await visitor.see('The totals are right now.')
    await visitor.shoot('job-succeeded')
    await visitor.page.getByRole('tab', { name: /Diff/ }).click()
    await visitor.see('withTax(quantity * unitPrice, taxRate)')
    await visitor.shoot('job-diff')
    await visitor.page.getByRole('tab', { name: 'Details' }).click()
    await visitor.shoot('job-details')
  })

  it('cancels a running job', async () => {
    const visitor = await visit({ theme: 'dark' })
    await signIn(visitor, '/new')
    await submit(visitor, 'Count [scenario: slow-tool]')
    await visitor.see('This will take a minute')
    await visitor.page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await visitor.shoot('cancel-dark')
    await visitor.page.getByRole('button', { name: 'Cancel job' }).click()
    await untilState(visitor, /cancelled/i)
    await visitor.shoot('job-cancelled-dark')
  })

  it('looks right in the dark and on a phone', async () => {
    const dark = await visit({ theme: 'dark' })
    await signIn(dark)
    await dark.see('Count')
    await dark.shoot('jobs-dark')
    await dark.page.goto(`${system.url}/jobs/1?tab=diff`)
    await dark.see('withTax(quantity * unitPrice, taxRate)')
    await dark.shoot('job-diff-dark')
    const phone = await visit({ phone: true })
    await signIn(phone, '/jobs/1')
    await phone.see('The totals are right now.')
    await phone.shoot('job-phone')
    expect([...(await dark.faults()), ...(await phone.faults())]).toEqual([])
  })

  it('takes the one-time link of the first start, once', async () => {
    const link = /first time: (\S+)/.exec(system.server().output())![1]!
    const visitor = await visit()
    await visitor.page.goto(link)
    await visitor.page.getByRole('button', { name: 'Sign in as owner' }).click()
    await visitor.see('Count')
    const late = await visit()
    await late.page.goto(link)
    await late.page.getByRole('button', { name: 'Sign in as owner' }).click()
    await late.see('This link was used already')
  })
})
