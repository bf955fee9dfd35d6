// The peer's schedules: made up, but of the real shape. Their clock stands still.
import { randomUUID } from 'node:crypto'
import type { Schedule } from '@flowforge/sdk'
import { invalid } from './peer-http.ts'

export type { Schedule }

export const NEXT_RUN = '2030-01-01T02:00:00.000Z'

export const newSchedule = (wanted: Partial<Schedule>): Schedule => ({
  id: randomUUID(),
  organizationId: 'org1',
  name: '',
  repositoryId: null,
  cron: '@daily',
  timezone: 'UTC',
  description: 'at 03:00, from Monday to Friday',
  job: { task: '' },
  overlap: 'skip',
  missed: 'run_once',
  enabled: true,
  nextRunAt: NEXT_RUN,
  lastRunAt: null,
  lastJobId: null,
  lastError: null,
  createdBy: 'u1',
  createdAt: new Date().toISOString(),
  ...wanted,
})

export function previewOf(url: URL) {
  const cron = url.searchParams.get('cron') ?? ''
  if (cron.startsWith('0 0 30 2'))
    throw invalid('cron', '"0 0 30 2 *" is never due. Check its day and month.')
  const days = [1, 2, 3].map(day => `2030-01-0${day}T02:00:00.000Z`)
  return { description: 'at 03:00, from Monday to Friday', runs: days }
}
