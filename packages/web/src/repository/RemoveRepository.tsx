// Removes a repository after asking.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { removeRepository } from '../api/endpoints.ts'
import { repositoriesQuery } from '../api/queries.ts'
import type { Repository } from '../api/types.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'
import { isHosted } from './git-address.ts'

export function RemoveRepository({ repository }: { repository: Repository }) {
  const queryClient = useQueryClient()
  const [open, setOpen] = useState(false)
  const remove = useMutation({
    mutationFn: () => removeRepository(repository.id),
    onSuccess: async () => {
      setOpen(false)
      await queryClient.invalidateQueries({ queryKey: repositoriesQuery.queryKey })
    },
  })
  return (
    <>
      <Button
        look="ghost"
        size="icon"
        aria-label={`Remove ${repository.name}`}
        title="Remove"
        onClick={() => {
          remove.reset()
          setOpen(true)
        }}
      >
        <Trash2 />
      </Button>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title={`Remove ${repository.name}?`}
        description={
          isHosted(repository)
            ? 'FlowForge hosts this repository: its branches and history are deleted here and exist nowhere else unless someone has a clone.'
            : 'FlowForge forgets the repository and its copy of it. Nothing changes at the Git host.'
        }
        action="Remove"
        dismiss="Keep"
        busy={remove.isPending}
        error={remove.isError && <ErrorNotice error={remove.error} />}
        onConfirm={() => remove.mutate()}
      />
    </>
  )
}
