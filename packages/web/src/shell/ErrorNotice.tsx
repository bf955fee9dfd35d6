// A failed call, shown: what happened, the request's id for whoever is asked for help, and another try.
import { RotateCw } from 'lucide-react'
import { ApiError } from '../api/client.ts'
import { Button } from '../ui/Button.tsx'
import { Notice } from '../ui/Notice.tsx'

export function ErrorNotice({
  error,
  title,
  onRetry,
  className,
}: {
  error: unknown
  title?: string
  onRetry?: () => void
  className?: string
}) {
  const requestId = error instanceof ApiError ? error.requestId : undefined
  return (
    <Notice
      look="error"
      title={title}
      className={className}
      action={
        onRetry && (
          <Button size="sm" onClick={onRetry}>
            <RotateCw aria-hidden />
            Try again
          </Button>
        )
      }
    >
      {error instanceof Error ? error.message : 'Something went wrong.'}
      {requestId && (
        <span className="mt-0.5 block text-xs">
          Request <code className="font-mono">{requestId}</code>
        </span>
      )}
    </Notice>
  )
}
