// Starts the console: cache, router, and what happens when the session ends.
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import { ApiError, isSignedOut } from './api/client.ts'
import { paths } from './paths.ts'
import { createConsoleRouter } from './router.tsx'
import './styles.css'

const MAX_RETRIES = 2

const queryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: error => {
      if (isSignedOut(error)) leaveForSignIn()
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the server refused it will refuse again; what did not arrive is worth another try.
      retry: (failures, error) =>
        failures < MAX_RETRIES && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
})

const router = createConsoleRouter(queryClient)

function leaveForSignIn() {
  const { pathname, href } = router.state.location
  if (pathname === '/sign-in') return
  queryClient.removeQueries({ queryKey: ['me'] })
  void router.navigate(paths.signIn(href))
}

const host = document.getElementById('root')
if (!host) throw new Error('index.html has no #root')
createRoot(host).render(
  // No StrictMode: the diff viewer destroys its file on the second mount that StrictMode rehearses.
  <QueryClientProvider client={queryClient}>
    <RouterProvider router={router} />
  </QueryClientProvider>,
)
