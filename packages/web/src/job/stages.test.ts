import { expect, test } from 'vitest'
import type { Job, StreamedEvent } from '../api/types.ts'
import { noStages, readStages, withComing } from './stages.ts'

const at = (second: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + second * 1_000).toISOString()
const event = (second: number, type: string, data: unknown = {}) =>
  ({ seq: second + 1, jobId: 'j', attempt: 1, at: at(second), type, data }) as StreamedEvent
const stage = (second: number, name: string) => event(second, 'job.stage', { stage: name })
const job = (change: Partial<Job>) => ({ state: 'running', setup: [], verify: [], ...change }) as Job

test('each stage has the time it took, and the current one its start', () => {
  const { spans } = readStages(noStages, [
    event(0, 'job.queued'),
    event(2, 'job.started'),
    stage(2, 'cloning'),
    stage(5, 'working'),
  ])
  expect(spans.map(({ name, status, elapsedMs }) => [name, status, elapsedMs])).toEqual([
    ['queued', 'done', 2_000],
    ['cloning', 'done', 3_000],
    ['working', 'current', 0],
  ])
  expect(spans[2]?.since).toBe(at(5))
})

test('a stage that comes again adds to its time and keeps its place', () => {
  const first = readStages(noStages, [stage(0, 'working'), stage(10, 'verifying')])
  const { spans } = readStages(first, [
    stage(12, 'working'),
    stage(15, 'verifying'),
    event(16, 'job.succeeded'),
  ])
  expect(spans.map(({ name, status, elapsedMs }) => [name, status, elapsedMs])).toEqual([
    ['working', 'done', 13_000],
    ['verifying', 'done', 3_000],
  ])
})

test('the stage in which a job failed is marked', () => {
  const { spans } = readStages(noStages, [stage(0, 'cloning'), event(1, 'job.failed')])
  expect(spans.at(-1)?.status).toBe('failed')
})

test('a retry begins anew', () => {
  const first = readStages(noStages, [event(0, 'job.queued'), stage(1, 'working'), event(4, 'job.failed')])
  expect(readStages(first, [event(9, 'job.queued')]).spans.map(span => span.name)).toEqual(['queued'])
})

test('events that say nothing of stages change nothing', () => {
  const log = readStages(noStages, [stage(0, 'cloning')])
  expect(readStages(log, [event(1, 'claude.message')])).toBe(log)
})

test('what is still to come is shown only while it can come', () => {
  const { spans } = readStages(noStages, [stage(0, 'working')])
  const names = (of: Partial<Job>) =>
    withComing(spans, job(of))
      .filter(span => span.status === 'coming')
      .map(span => span.name)
  expect(names({ verify: ['npm test'] })).toEqual(['verifying', 'pushing', 'verifying_clean'])
  expect(names({})).toEqual(['pushing'])
  expect(names({ state: 'failed' })).toEqual([])
})
