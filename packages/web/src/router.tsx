// Which page answers which address, and that most of them need a person who is signed in. Knows pages only by name.
import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { isSignedOut } from './api/client.ts'
import { jobQuery, jobsQuery, meQuery, repositoriesQuery, schedulesQuery } from './api/queries.ts'
import { ErrorPage } from './pages/ErrorPage.tsx'
import { NotFoundPage } from './pages/NotFoundPage.tsx'
import { paths } from './paths.ts'
import { jobSearch, jobsSearch, newJobSearch, signInSearch } from './search.ts'
import { AppShell } from './shell/AppShell.tsx'

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({ component: Outlet })

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: signInSearch,
  component: lazyRouteComponent(() => import('./pages/SignInPage.tsx'), 'SignInPage'),
})

const signUp = createRoute({
  getParentRoute: () => root,
  path: '/sign-up',
  component: lazyRouteComponent(() => import('./pages/SignUpPage.tsx'), 'SignUpPage'),
})

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queryClient.ensureQueryData(meQuery)
    } catch (error) {
      if (isSignedOut(error)) throw redirect(paths.signIn(location.href === '/' ? undefined : location.href))
      throw error
    }
  },
  component: AppShell,
  errorComponent: ({ error }) => (
    <main>
      <ErrorPage error={error} />
    </main>
  ),
})

const jobs = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  validateSearch: jobsSearch,
  loaderDeps: ({ search }) => ({ state: search.state, repositoryId: search.repository }),
  // Started here so that data and code travel together; the page shows its own waiting and failing.
  loader: ({ context, deps }) => void context.queryClient.prefetchInfiniteQuery(jobsQuery(deps)),
  component: lazyRouteComponent(() => import('./pages/JobsPage.tsx'), 'JobsPage'),
})

/** What people make of a job's address when they take its number away. */
const jobsByName = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs',
  beforeLoad: () => {
    throw redirect({ to: '/', replace: true })
  },
})

const newJob = createRoute({
  getParentRoute: () => signedIn,
  path: '/new',
  validateSearch: newJobSearch,
  loader: ({ context }) => void context.queryClient.prefetchQuery(repositoriesQuery),
  component: lazyRouteComponent(() => import('./pages/NewJobPage.tsx'), 'NewJobPage'),
})

const job = createRoute({
  getParentRoute: () => signedIn,
  path: '/jobs/$jobId',
  validateSearch: jobSearch,
  loader: ({ context, params }) => void context.queryClient.prefetchQuery(jobQuery(params.jobId)),
  component: lazyRouteComponent(() => import('./pages/JobPage.tsx'), 'JobPage'),
})

const repositories = createRoute({
  getParentRoute: () => signedIn,
  path: '/repositories',
  loader: ({ context }) => void context.queryClient.prefetchQuery(repositoriesQuery),
  component: lazyRouteComponent(() => import('./pages/RepositoriesPage.tsx'), 'RepositoriesPage'),
})

const schedules = createRoute({
  getParentRoute: () => signedIn,
  path: '/schedules',
  loader: ({ context }) => void context.queryClient.prefetchQuery(schedulesQuery),
  component: lazyRouteComponent(() => import('./pages/SchedulesPage.tsx'), 'SchedulesPage'),
})

const apiKeys = createRoute({
  getParentRoute: () => signedIn,
  path: '/settings/api-keys',
  component: lazyRouteComponent(() => import('./pages/ApiKeysPage.tsx'), 'ApiKeysPage'),
})

const routeTree = root.addChildren([
  signIn,
  signUp,
  signedIn.addChildren([jobs, jobsByName, newJob, job, repositories, schedules, apiKeys]),
])

export const createConsoleRouter = (queryClient: QueryClient) =>
  createRouter({
    routeTree,
    context: { queryClient },
    defaultPreload: 'intent',
    // React Query decides what is fresh.
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: ErrorPage,
    defaultNotFoundComponent: NotFoundPage,
    scrollRestoration: true,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>
  }
}
