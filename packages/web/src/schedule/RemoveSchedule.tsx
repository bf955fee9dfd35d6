// Removes a schedule after asking.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { removeSchedule } from '../api/endpoints.ts'
import { schedulesQuery } from '../api/queries.ts'
import type { Schedule } from '../api/types.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'

export function RemoveSchedule({ schedule: { id, name } }: { schedule: Schedule }) {
  const queryClient = useQueryClient()
  const [open, setOpen] = useState(false)
  const remove = useMutation({
    mutationFn: () => removeSchedule(id),
    onSuccess: async () => {
      setOpen(false)
      await queryClient.invalidateQueries({ queryKey: schedulesQuery.queryKey })
    },
  })
  return (
    <>
      <Button
        look="ghost"
        size="icon"
        aria-label={`Remove ${name}`}
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
        title={`Remove ${name}?`}
        description="It runs no more. The jobs that it has submitted stay."
        action="Remove"
        dismiss="Keep"
        busy={remove.isPending}
        error={remove.isError && <ErrorNotice error={remove.error} />}
        onConfirm={() => remove.mutate()}
      />
    </>
  )
}
