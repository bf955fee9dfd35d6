// Where people see a job in the browser.
import type { Job } from '@flowforge/sdk'

export const consoleUrl = (server: string, job: Pick<Job, 'number'>): string => `${server}/jobs/${job.number}`
