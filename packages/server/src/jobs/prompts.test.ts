import { describe, expect, test } from 'vitest'
import type { ApprovalRow } from '../store/conversations.ts'
import { afreshPrompt, resumePrompt, type Said } from './prompts.ts'

const AT = new Date(0)
const request = (fields: Partial<ApprovalRow>): ApprovalRow => ({
  job_id: 'j',
  request_id: 'r',
  attempt: 1,
  kind: 'question',
  input: { questions: [{ question: 'Which colour?' }, { question: 'How large?' }] },
  requested_at: AT,
  decision: 'allow',
  note: null,
  answers: null,
  decided_by: null,
  decided_at: AT,
  closed_at: null,
  ...fields,
})
const said = (text: string | null, asked?: Partial<ApprovalRow>): Said => ({
  number: 1,
  text,
  request: asked && request(asked),
})
const after = (end_reason: string, failure: 'worker_lost' | 'verify_failed' | null = null) => ({
  lastAttempt: { number: 1, end_reason, failure },
  isRestored: true,
})

describe('a conversation that goes on', () => {
  test('is told the question with its answer, since it saw none', () => {
    const prompt = resumePrompt(
      [said(null, { answers: { 'Which colour?': ['Red', 'Blue'] }, note: 'Not pink.' })],
      after('parked'),
    )
    expect(prompt).toContain('your container was put away')
    expect(prompt).toContain('- Which colour?\n  Red, Blue\n- How large?')
    expect(prompt).toContain('Not pink.')
  })

  test('is told what became of its plan', () => {
    const input = { plan: '1. Do it.' }
    expect(resumePrompt([said(null, { kind: 'plan', input })], after('parked'))).toContain(
      'approved. Carry it out now.\n\nThe plan:\n1. Do it.',
    )
    const denied = resumePrompt(
      [said('Use tabs', { kind: 'plan', input, decision: 'deny', note: 'Use tabs' })],
      after('parked'),
    )
    expect(denied).toMatch(/not approved\.\n\nUse tabs\n\nChange it/)
  })

  test('is told that its container was lost, and whether its work was', () => {
    expect(resumePrompt([], after('lost', 'worker_lost'))).toMatch(
      /container was lost.*Your files are as you left them/,
    )
    const bare = { ...after('failed', 'verify_failed'), isRestored: false }
    expect(resumePrompt([], bare)).toMatch(/check the work failed.*at its base again/)
  })

  test('is told nothing but the words of a reply to what ended well', () => {
    expect(resumePrompt([said('Now a test, please.')], after('succeeded'))).toBe('Now a test, please.')
  })
})

test('one that begins anew is told the task and all that was said since', () => {
  const prompt = afreshPrompt(
    'Paint it.',
    [said('Use oil.'), said(null, { decision: 'deny' })],
    after('lost'),
  )
  expect(prompt).toMatch(
    /^Paint it\.\n\nSince the task was given.*\n\nUse oil\..*decide yourself.*An earlier attempt/s,
  )
  const untouched = { lastAttempt: undefined, isRestored: false }
  expect(afreshPrompt('Paint it.', [], untouched)).toBe('Paint it.')
})
