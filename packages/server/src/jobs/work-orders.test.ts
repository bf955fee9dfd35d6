import { WorkOrder } from '@flowforge/protocol'
import { describe, expect, test } from 'vitest'
import { attemptRow, jobRow, repositoryRow } from './testing-rows.ts'
import { agentOrder, verifyOrder } from './work-orders.ts'

const hold = (job: Parameters<typeof jobRow>[0] = {}) => ({
  job: jobRow(job),
  attempt: attemptRow(),
  holder: { attemptId: 'a', epoch: 1 },
  signal: new AbortController().signal,
  urgent: new AbortController().signal,
  containers: {},
})
const BASE = 'b'.repeat(40)
const HEAD = 'c'.repeat(40)

describe('the order for an agent', () => {
  test('is what the protocol describes', () => {
    const order = agentOrder(hold(), repositoryRow(), BASE, {})
    expect(WorkOrder.parse(order)).toEqual(order)
    expect(order.git).toMatchObject({
      baseCommit: BASE,
      checkoutCommit: BASE,
      checkoutRef: 'refs/heads/main',
    })
  })

  test('gives failing verifies back only where there is something to verify', () => {
    expect(agentOrder(hold({ verify: [] }), repositoryRow(), BASE, {}).verifyRounds).toBe(0)
    expect(agentOrder(hold({ verify: ['make'] }), repositoryRow(), BASE, {}).verifyRounds).toBeGreaterThan(0)
  })

  test('bounds a command by the limit of the job', () => {
    expect(agentOrder(hold({ timeout_seconds: 60 }), repositoryRow(), BASE, {}).commandTimeoutSeconds).toBe(
      60,
    )
    expect(
      agentOrder(hold({ timeout_seconds: 86_400 }), repositoryRow(), BASE, {}).commandTimeoutSeconds,
    ).toBe(1800)
  })

  test('sets a proxy only where something is allowed', () => {
    expect(agentOrder(hold(), repositoryRow(), BASE, {}).egress).toBe(false)
    const open = repositoryRow({ settings: { egressAllow: ['example.org'] } })
    expect(agentOrder(hold(), open, BASE, {}).egress).toBe(true)
  })
})

describe('the order for a clean verify', () => {
  test('checks out what was pushed, and knows no task', () => {
    const order = verifyOrder(hold({ verify: ['make'] }), repositoryRow(), BASE, HEAD)
    expect(WorkOrder.parse(order)).toEqual(order)
    expect(order).toMatchObject({ phase: 'verify', verify: ['make'], git: { checkoutCommit: HEAD } })
    expect(order).not.toHaveProperty('task')
  })
})
