// What stands in for a page that failed, or when the server does not answer at all.
import { useRouter } from '@tanstack/react-router'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'

export function ErrorPage({ error }: { error: unknown }) {
  const router = useRouter()
  return (
    <div className="mx-auto w-full max-w-xl px-4 py-16">
      <h1 className="mb-4 text-xl font-semibold">This page could not be shown</h1>
      <ErrorNotice error={error} onRetry={() => void router.invalidate()} />
    </div>
  )
}
