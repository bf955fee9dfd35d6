import { describe, expect, test } from 'vitest'
import { orderOf } from './needs.ts'

describe('the order of a batch', () => {
  test('puts every job behind those that it needs', () => {
    const jobs = [
      { key: 'deploy', needs: ['test', 'build'] },
      { key: 'test', needs: ['build'] },
      { key: 'build' },
    ]
    expect(orderOf(jobs)).toEqual([2, 1, 0])
  })

  test('leaves jobs that need nobody as they are', () => {
    expect(orderOf([{}, { key: 'a' }, {}])).toEqual([0, 1, 2])
  })

  test('counts the job whose result another one starts from', () => {
    expect(orderOf([{ key: 'b', baseFrom: 'a' }, { key: 'a' }])).toEqual([1, 0])
  })

  test('of a cycle does not exist, and the refusal names the whole of it', () => {
    const jobs = [
      { key: 'a', needs: ['b'] },
      { key: 'b', needs: ['c'] },
      { key: 'c', needs: ['a'] },
    ]
    expect(() => orderOf(jobs)).toThrow(expect.objectContaining({ code: 'needs_cycle' }))
    expect(() => orderOf(jobs)).toThrow('a → b → c → a')
  })

  test('of a job that needs itself does not exist', () => {
    expect(() => orderOf([{ key: 'a', needs: ['a'] }])).toThrow('a → a')
  })

  test('is refused when two jobs have the same key', () => {
    expect(() => orderOf([{ key: 'a' }, { key: 'a' }])).toThrow('jobs.1.key')
  })
})
