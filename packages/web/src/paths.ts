// The one place that builds addresses inside the console. Typed by the router's routes.
import { linkOptions } from '@tanstack/react-router'
import type { JobsSearch, JobTab } from './search.ts'

export const paths = {
  jobs: (search: JobsSearch = {}) => linkOptions({ to: '/', search }),
  newJob: (repository?: string) => linkOptions({ to: '/new', search: { repository } }),
  job: (jobId: string, tab?: JobTab) =>
    linkOptions({ to: '/jobs/$jobId', params: { jobId }, search: { tab } }),
  repositories: () => linkOptions({ to: '/repositories' }),
  schedules: () => linkOptions({ to: '/schedules' }),
  apiKeys: () => linkOptions({ to: '/settings/api-keys' }),
  signIn: (returnTo?: string) => linkOptions({ to: '/sign-in', search: { returnTo } }),
}
