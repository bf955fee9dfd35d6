// The one-time link of the first start: signs its reader in as the owner. The token stands behind `#`, which browsers keep to themselves.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError } from '../api/client.ts'
import { signInByLink } from '../api/endpoints.ts'
import { meQuery } from '../api/queries.ts'
import { Mark } from '../shell/Brand.tsx'
import { useDocumentTitle } from '../shell/document-title.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'

export function SignUpPage() {
  useDocumentTitle('Welcome')
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('token'))
  const enter = useMutation({
    mutationFn: signInByLink,
    onSuccess: async () => {
      queryClient.clear()
      await queryClient.prefetchQuery(meQuery)
      await navigate({ to: '/', replace: true })
    },
    // The token would otherwise stay in the mutation cache.
    gcTime: 0,
  })
  const used = token === null || (enter.error instanceof ApiError && enter.error.status === 401)
  return (
    <main className="grid min-h-dvh place-items-center px-4">
      <div className="w-full max-w-sm pb-[12dvh]">
        <Mark className="mb-5 size-10" />
        <h1 className="text-xl font-semibold tracking-tight">Welcome to FlowForge</h1>
        {used ? (
          <p role="alert" className="mt-3 text-ink-2">
            This link was used already, or is older than a day. Sign in with an API key instead: it stands in
            the file <code className="font-mono">cli-token</code> of the data folder.{' '}
            <a href="/sign-in" className="text-link underline">
              Sign in with a key
            </a>
          </p>
        ) : (
          <>
            <p className="mt-3 text-ink-2">
              This link works once. It signs you in as the owner of this installation.
            </p>
            <Button
              look="primary"
              className="mt-5 h-9 w-full"
              busy={enter.isPending}
              autoFocus
              onClick={() => enter.mutate(token)}
            >
              Sign in as owner
            </Button>
          </>
        )}
        {enter.isError && !used && <ErrorNotice error={enter.error} className="mt-4" />}
      </div>
    </main>
  )
}
