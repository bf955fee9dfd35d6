// Asks before something that can't be undone. The safe answer has the focus.
import { AlertDialog } from 'radix-ui'
import type { ReactNode } from 'react'
import { Button } from './Button.tsx'

export function ConfirmDialog({
  open,
  onOpenChange,
  title,
  description,
  action,
  dismiss,
  busy,
  error,
  onConfirm,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  description: ReactNode
  action: string
  dismiss: string
  busy: boolean
  error?: ReactNode
  onConfirm: () => void
}) {
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="animate-fade fixed inset-0 z-40 bg-black/40 dark:bg-black/60" />
        <AlertDialog.Content className="animate-rise fixed inset-x-3 top-[18dvh] z-50 mx-auto max-w-md rounded-lg border bg-overlay p-5 shadow-overlay outline-none">
          <AlertDialog.Title className="text-lg font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="mt-1.5 text-sm text-ink-2">{description}</div>
          </AlertDialog.Description>
          {error && <div className="mt-3">{error}</div>}
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>{dismiss}</Button>
            </AlertDialog.Cancel>
            <Button look="danger" busy={busy} onClick={onConfirm}>
              {action}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
