// The repositories that jobs can run on: add, see where to push to, remove.
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { FolderGit2, Plus } from 'lucide-react'
import { useState } from 'react'
import { meQuery, repositoriesQuery } from '../api/queries.ts'
import type { Repository } from '../api/types.ts'
import { paths } from '../paths.ts'
import { AddRepositoryForm } from '../repository/AddRepositoryForm.tsx'
import { gitAddress, isHosted } from '../repository/git-address.ts'
import { PushHelp } from '../repository/PushHelp.tsx'
import { RemoveRepository } from '../repository/RemoveRepository.tsx'
import { useDocumentTitle } from '../shell/document-title.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { revealHidden } from '../text/hidden.ts'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { CommandLine, CopyButton } from '../ui/CopyButton.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Empty } from '../ui/Empty.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { SkeletonRows } from '../ui/Skeleton.tsx'
import { Age } from '../ui/Time.tsx'

export function RepositoriesPage() {
  useDocumentTitle('Repositories')
  const [adding, setAdding] = useState(false)
  const [added, setAdded] = useState<Repository>()
  const open = () => {
    setAdded(undefined)
    setAdding(true)
  }
  return (
    <>
      <PageHeader title="Repositories">
        <Button look="primary" onClick={open}>
          <Plus aria-hidden />
          Add repository
        </Button>
      </PageHeader>
      <RepositoryList onAdd={open} />
      <Dialog
        open={adding}
        onOpenChange={setAdding}
        title={added ? `${added.name} was added` : 'Add repository'}
        description={added ? 'It is empty. Push what the jobs shall start from:' : undefined}
      >
        {added ? (
          <>
            <PushHelp repository={added} />
            <div className="mt-4 flex justify-end">
              <Button look="primary" onClick={() => setAdding(false)}>
                Done
              </Button>
            </div>
          </>
        ) : (
          <AddRepositoryForm
            onDismiss={() => setAdding(false)}
            onAdded={repository => (isHosted(repository) ? setAdded(repository) : setAdding(false))}
          />
        )}
      </Dialog>
    </>
  )
}

function RepositoryList({ onAdd }: { onAdd: () => void }) {
  const repositories = useQuery(repositoriesQuery)
  if (repositories.isPending) return <SkeletonRows rows={4} label="Loading repositories" />
  if (repositories.isError) {
    return (
      <ErrorNotice
        className="mx-4 md:mx-6"
        title="The repositories could not be loaded"
        error={repositories.error}
        onRetry={() => void repositories.refetch()}
      />
    )
  }
  if (repositories.data.length === 0) {
    return (
      <Empty
        icon={FolderGit2}
        title="No repositories yet"
        action={
          <Button look="primary" onClick={onAdd}>
            Add repository
          </Button>
        }
      >
        <p>Add one by its Git URL, or let FlowForge host it and push to it.</p>
        <div className="mt-3 text-left">
          <CommandLine command="flowforge repo add NAME URL" label="Copy the command" />
        </div>
      </Empty>
    )
  }
  return (
    <ul className="divide-y border-y">
      {repositories.data.map(repository => (
        <RepositoryRow key={repository.id} repository={repository} />
      ))}
    </ul>
  )
}

function RepositoryRow({ repository }: { repository: Repository }) {
  const me = useQuery(meQuery)
  const address = repository.url
    ? repository.url
    : gitAddress(window.location.origin, me.data?.organization.slug ?? '', repository.name)
  return (
    <li className="flex items-center gap-3 px-4 py-2.5 md:px-6">
      <FolderGit2 className="size-4 shrink-0 text-ink-3" aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="flex items-center gap-2">
          <span className="truncate font-medium">{repository.name}</span>
          {isHosted(repository) && <Badge title="FlowForge holds this repository itself">hosted</Badge>}
        </p>
        <p className="flex items-center gap-1 text-xs text-ink-3">
          <span className="truncate font-mono">{revealHidden(address)}</span>
          <CopyButton value={address} label={`Copy the address of ${repository.name}`} />
        </p>
      </div>
      <Age at={repository.createdAt} className="text-xs text-ink-3 max-md:hidden" />
      <Button asChild size="sm">
        <Link {...paths.newJob(repository.id)} aria-label={`New job on ${repository.name}`}>
          New job
        </Link>
      </Button>
      <RemoveRepository repository={repository} />
    </li>
  )
}
