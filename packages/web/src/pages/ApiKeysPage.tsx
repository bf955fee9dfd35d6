// API keys: list, make (shown once), revoke.
import { useQuery } from '@tanstack/react-query'
import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import { apiKeysQuery } from '../api/queries.ts'
import type { ApiKey } from '../api/types.ts'
import { CreateKeyDialog } from '../keys/CreateKeyDialog.tsx'
import { RevokeKey } from '../keys/RevokeKey.tsx'
import { useDocumentTitle } from '../shell/document-title.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { Empty } from '../ui/Empty.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { SkeletonRows } from '../ui/Skeleton.tsx'
import { Age } from '../ui/Time.tsx'

export function ApiKeysPage() {
  useDocumentTitle('API keys')
  const [creating, setCreating] = useState(false)
  return (
    <>
      <PageHeader title="API keys">
        <Button look="primary" onClick={() => setCreating(true)}>
          <Plus aria-hidden />
          New key
        </Button>
      </PageHeader>
      <p className="max-w-2xl px-4 pb-4 text-sm text-ink-2 md:px-6">
        Keys sign in the CLI, programs and Git. Each acts with the rights of its owner in this organization.
      </p>
      <KeyList onCreate={() => setCreating(true)} />
      <CreateKeyDialog open={creating} onOpenChange={setCreating} />
    </>
  )
}

function KeyList({ onCreate }: { onCreate: () => void }) {
  const keys = useQuery(apiKeysQuery)
  if (keys.isPending) return <SkeletonRows rows={3} label="Loading API keys" />
  if (keys.isError) {
    return (
      <ErrorNotice
        className="mx-4 md:mx-6"
        title="The keys could not be loaded"
        error={keys.error}
        onRetry={() => void keys.refetch()}
      />
    )
  }
  if (keys.data.length === 0) {
    return (
      <Empty
        icon={KeyRound}
        title="No API keys"
        action={
          <Button look="primary" onClick={onCreate}>
            New key
          </Button>
        }
      >
        Make one for the CLI or a program.
      </Empty>
    )
  }
  return (
    <ul className="divide-y border-y">
      {keys.data.map(key => (
        <KeyRow key={key.id} apiKey={key} />
      ))}
    </ul>
  )
}

function KeyRow({ apiKey }: { apiKey: ApiKey }) {
  return (
    <li className="flex items-center gap-3 px-4 py-2.5 md:px-6">
      <KeyRound className="size-4 shrink-0 text-ink-3" aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">{apiKey.name || 'Unnamed'}</p>
        <p className="flex flex-wrap gap-x-3 text-xs text-ink-3">
          {apiKey.start && <code className="font-mono">{apiKey.start}…</code>}
          <span>
            made <Age at={apiKey.createdAt} suffix=" ago" />
          </span>
          <span>
            {apiKey.lastUsedAt ? (
              <>
                used <Age at={apiKey.lastUsedAt} suffix=" ago" />
              </>
            ) : (
              'never used'
            )}
          </span>
          {apiKey.expiresAt && <span>expires {new Date(apiKey.expiresAt).toLocaleDateString()}</span>}
        </p>
      </div>
      <RevokeKey apiKey={apiKey} />
    </li>
  )
}
