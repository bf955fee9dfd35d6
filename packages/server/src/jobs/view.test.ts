import { Job } from '@flowforge/protocol'
import { describe, expect, test } from 'vitest'
import { jobRow } from './testing-rows.ts'
import { priorityNumber, viewJob } from './view.ts'

describe('a job as the API shows it', () => {
  test('is what the protocol describes, also when nothing has happened yet', () => {
    const view = JSON.parse(JSON.stringify(viewJob(jobRow())))
    expect(Job.parse(view)).toEqual(view)
    expect(view).toMatchObject({ state: 'queued', priority: 'normal', baseBranch: 'main' })
    expect(view).not.toHaveProperty('headCommit')
  })

  test('shows what it ended with', () => {
    const reason = { code: 'timeout' as const, message: 'Too long.' }
    const row = jobRow({ state: 'failed', reason, head_commit: 'c', finished_at: new Date(5), stage: null })
    expect(viewJob(row)).toMatchObject({ reason, headCommit: 'c', finishedAt: '1970-01-01T00:00:00.005Z' })
  })

  test('means the default branch by HEAD until it is known', () => {
    expect(viewJob(jobRow({ base_branch: null })).baseBranch).toBe('HEAD')
  })

  test.each(['low', 'normal', 'high'] as const)('keeps the priority %s', priority => {
    expect(viewJob(jobRow({ priority: priorityNumber(priority) })).priority).toBe(priority)
  })

  test('says nothing of its environment, which may hold what people should not have put there', () => {
    expect(JSON.stringify(viewJob(jobRow({ environment: { TOKEN: 'hunter2' } })))).not.toContain('hunter2')
  })
})
