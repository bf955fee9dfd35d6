// Jobs that are submitted again and again: what runs when, make, change, pause, run now.
import { useQuery } from '@tanstack/react-query'
import { CalendarClock, Plus } from 'lucide-react'
import { useState } from 'react'
import { repositoriesQuery, schedulesQuery } from '../api/queries.ts'
import type { Schedule } from '../api/types.ts'
import { ScheduleForm } from '../schedule/ScheduleForm.tsx'
import { ScheduleRow } from '../schedule/ScheduleRow.tsx'
import { useDocumentTitle } from '../shell/document-title.ts'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Empty } from '../ui/Empty.tsx'
import { PageHeader } from '../ui/PageHeader.tsx'
import { SkeletonRows } from '../ui/Skeleton.tsx'

/** Which schedule the dialog is about; `new`: one that is not there yet. */
type Editing = Schedule | 'new' | null

export function SchedulesPage() {
  useDocumentTitle('Schedules')
  const [editing, setEditing] = useState<Editing>(null)
  return (
    <>
      <PageHeader title="Schedules">
        <Button look="primary" onClick={() => setEditing('new')}>
          <Plus aria-hidden />
          New schedule
        </Button>
      </PageHeader>
      <ScheduleList onEdit={setEditing} />
      <Dialog
        open={editing !== null}
        onOpenChange={open => !open && setEditing(null)}
        title={editing === 'new' || editing === null ? 'New schedule' : `Edit ${editing.name}`}
        className="top-[6dvh] max-h-[88dvh] max-w-2xl"
      >
        {editing && (
          <ScheduleForm schedule={editing === 'new' ? undefined : editing} onDone={() => setEditing(null)} />
        )}
      </Dialog>
    </>
  )
}

function ScheduleList({ onEdit }: { onEdit: (editing: Editing) => void }) {
  const schedules = useQuery(schedulesQuery)
  const repositories = useQuery(repositoriesQuery)
  if (schedules.isPending) return <SkeletonRows rows={4} label="Loading schedules" />
  if (schedules.isError) {
    return (
      <ErrorNotice
        className="mx-4 md:mx-6"
        title="The schedules could not be loaded"
        error={schedules.error}
        onRetry={() => void schedules.refetch()}
      />
    )
  }
  if (schedules.data.length === 0) {
    return (
      <Empty
        icon={CalendarClock}
        title="No schedules yet"
        action={
          <Button look="primary" onClick={() => onEdit('new')}>
            New schedule
          </Button>
        }
      >
        <p>
          A schedule submits a job again and again: dependency updates every night, a report every Monday.
        </p>
      </Empty>
    )
  }
  return (
    <ul className="divide-y border-y">
      {schedules.data.map(schedule => (
        <ScheduleRow
          key={schedule.id}
          schedule={schedule}
          repository={repositories.data?.find(({ id }) => id === schedule.repositoryId)?.name}
          onEdit={() => onEdit(schedule)}
        />
      ))}
    </ul>
  )
}
