// A dialog with title and optional description; focus goes in and comes back. Knows nothing of what it asks.
import { X } from 'lucide-react'
import { Dialog as Primitive } from 'radix-ui'
import type { ReactNode } from 'react'
import { Button } from './Button.tsx'
import { cn } from './classes.ts'

export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
  className,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  description?: ReactNode
  children: ReactNode
  className?: string
}) {
  return (
    <Primitive.Root open={open} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className="animate-fade fixed inset-0 z-40 bg-black/40 dark:bg-black/60" />
        <Primitive.Content
          {...(description ? {} : { 'aria-describedby': undefined })}
          className={cn(
            'animate-rise fixed inset-x-3 top-[12dvh] z-50 mx-auto max-h-[80dvh] max-w-lg overflow-y-auto rounded-lg border bg-overlay p-5 shadow-overlay outline-none',
            className,
          )}
        >
          <Primitive.Title className="pr-8 text-lg font-semibold">{title}</Primitive.Title>
          {description && (
            <Primitive.Description className="mt-1 text-sm text-ink-2">{description}</Primitive.Description>
          )}
          <div className="mt-4">{children}</div>
          <Primitive.Close asChild>
            <Button look="ghost" size="icon" aria-label="Close" className="absolute top-3 right-3">
              <X />
            </Button>
          </Primitive.Close>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  )
}
