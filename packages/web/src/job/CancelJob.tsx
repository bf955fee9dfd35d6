// Cancels a job after asking.
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CircleStop } from 'lucide-react'
import { useState } from 'react'
import { cancelJob } from '../api/endpoints.ts'
import { jobQuery } from '../api/queries.ts'
import type { Job } from '../api/types.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { ConfirmDialog } from '../ui/ConfirmDialog.tsx'

export function CancelJob({ job }: { job: Job }) {
  const queryClient = useQueryClient()
  const [open, setOpen] = useState(false)
  const cancel = useMutation({
    mutationFn: () => cancelJob(job.id),
    onSuccess: async () => {
      setOpen(false)
      await queryClient.invalidateQueries({ queryKey: jobQuery(job.id).queryKey })
      void queryClient.invalidateQueries({ queryKey: ['jobs'] })
    },
  })
  return (
    <>
      <Button
        onClick={() => {
          cancel.reset()
          setOpen(true)
        }}
      >
        <CircleStop aria-hidden />
        Cancel
      </Button>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title={`Cancel job #${job.number}?`}
        description="Its container is stopped at once, and what it has not pushed is lost."
        action="Cancel job"
        dismiss="Keep running"
        busy={cancel.isPending}
        error={cancel.isError && <ErrorNotice error={cancel.error} />}
        onConfirm={() => cancel.mutate()}
      />
    </>
  )
}
