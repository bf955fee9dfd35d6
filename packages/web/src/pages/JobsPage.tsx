// All jobs, newest first: filter, search in what is loaded, load more. Kept fresh by the live connection.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { SearchX } from 'lucide-react'
import { useDeferredValue } from 'react'
import { jobsQuery, repositoriesQuery } from '../api/queries.ts'
import type { Job, Repository } from '../api/types.ts'
import { FirstSteps } from '../job/FirstSteps.tsx'
import { JobFilters } from '../job/JobFilters.tsx'
import { JobTable } from '../job/JobTable.tsx'
import { paths } from '../paths.ts'
import type { JobsSearch } from '../search.ts'
import { useDocumentTitle } from '../shell/document-title.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { plural } from '../text/quantities.ts'
import { Button } from '../ui/Button.tsx'
import { Empty } from '../ui/Empty.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { SkeletonRows } from '../ui/Skeleton.tsx'

export function JobsPage() {
  useDocumentTitle('Jobs')
  const search = useSearch({ from: '/signed-in/' })
  const navigate = useNavigate()
  const repositories = useQuery(repositoriesQuery)
  const narrow = (change: JobsSearch) =>
    void navigate({ ...paths.jobs({ ...search, ...change }), replace: true, resetScroll: false })
  return (
    <>
      <PageHeader title="Jobs">
        <JobFilters search={search} repositories={repositories.data ?? []} onChange={narrow} />
      </PageHeader>
      <JobList search={search} repositories={repositories.data} onClear={() => void navigate(paths.jobs())} />
    </>
  )
}

function JobList({
  search,
  repositories,
  onClear,
}: {
  search: JobsSearch
  repositories: Repository[] | undefined
  onClear: () => void
}) {
  const { state, repository, q } = search
  const jobs = useInfiniteQuery(jobsQuery({ state, repositoryId: repository }))
  const words = useDeferredValue(q ?? '')
  if (jobs.isPending) return <SkeletonRows rows={10} label="Loading jobs" />
  if (jobs.isError && !jobs.data) {
    return (
      <ErrorNotice
        className="mx-4 md:mx-6"
        title="The jobs could not be loaded"
        error={jobs.error}
        onRetry={() => void jobs.refetch()}
      />
    )
  }
  const loaded = distinct(jobs.data.pages.flatMap(page => page.data))
  const names = new Map(repositories?.map(({ id, name }) => [id, name]))
  const shown = loaded.filter(job => matches(job, names.get(job.repositoryId), words))
  const narrowed = Boolean(state || repository || q)
  if (loaded.length === 0 && !narrowed) return <FirstSteps repositories={repositories} />
  return (
    <>
      <p role="status" className="sr-only">
        {plural(shown.length, 'job')} shown
      </p>
      {shown.length === 0 ? (
        <Empty
          icon={SearchX}
          title="No job matches"
          action={<Button onClick={onClear}>Clear filters</Button>}
        >
          {q && jobs.hasNextPage ? 'Search looks at the jobs loaded so far; more can be loaded below.' : ''}
        </Empty>
      ) : (
        <JobTable jobs={shown} repositoryNames={names} />
      )}
      {jobs.hasNextPage && (
        <div className="flex justify-center p-4">
          <Button busy={jobs.isFetchingNextPage} onClick={() => void jobs.fetchNextPage()}>
            Load more
          </Button>
        </div>
      )}
    </>
  )
}

/** A row can stand on two pages when jobs were added between the two requests. */
const distinct = (jobs: Job[]): Job[] => [...new Map(jobs.map(job => [job.id, job])).values()]

function matches(job: Job, repository: string | undefined, words: string): boolean {
  const text =
    `#${job.number} ${job.task} ${job.branch} ${job.baseBranch} ${repository ?? ''} ${job.id}`.toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/)
    .every(word => text.includes(word))
}
