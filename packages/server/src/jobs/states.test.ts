import { isTerminal, JOB_STATES, type JobState } from '@flowforge/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isFlowForgeError } from '../errors.ts'
import { ACTS, type Act, after, isAllowed } from './states.ts'

const anyState = fc.constantFrom(...JOB_STATES)
const anyAct = fc.constantFrom(...ACTS)

const tryAct = (state: JobState, act: Act): JobState | 'conflict' => {
  try {
    return after(state, act)
  } catch (error) {
    if (isFlowForgeError(error, 'job_state_conflict')) return 'conflict'
    throw error
  }
}

describe('states of a job', () => {
  test('every act from every state leads to a state or to job_state_conflict', () => {
    for (const state of JOB_STATES) {
      for (const act of ACTS) {
        const next = tryAct(state, act)
        expect(next !== 'conflict').toBe(isAllowed(state, act))
        if (next !== 'conflict') expect(JOB_STATES).toContain(next)
      }
    }
  })

  test('a story of acts leaves a terminal state only by a retry or a reply', () => {
    fc.assert(
      fc.property(anyState, fc.array(anyAct, { maxLength: 60 }), (start, acts) => {
        let state = start
        for (const act of acts) {
          const next = tryAct(state, act)
          if (next === 'conflict') continue
          if (isTerminal(state)) expect(['retry', 'postpone', 'reopen']).toContain(act)
          state = next
        }
      }),
    )
  })

  test('only a person leads out of failed', () => {
    const ways = ACTS.filter(act => isAllowed('failed', act))
    expect(ways).toEqual(['postpone', 'retry', 'reopen'])
  })

  test('everything unfinished can be cancelled and can fail', () => {
    for (const state of JOB_STATES.filter(state => !isTerminal(state))) {
      expect(after(state, 'cancel')).toBe('cancelled')
      expect(after(state, 'fail')).toBe('failed')
    }
  })

  test('the refusal says in words what can not be done', () => {
    expect(() => after('succeeded', 'cancel')).toThrow('A job that is succeeded can not be cancelled.')
  })
})
