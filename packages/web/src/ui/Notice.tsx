// A message in the page: information, warning or failure, with an action beside it.
import { CircleAlert, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { cn } from './classes.ts'

const LOOKS = {
  info: { icon: Info, box: 'border-line bg-raised', mark: 'text-ink-2' },
  warning: { icon: TriangleAlert, box: 'border-amber/30 bg-amber-soft', mark: 'text-amber' },
  error: { icon: CircleAlert, box: 'border-red/30 bg-red-soft', mark: 'text-red' },
} as const

export function Notice({
  look = 'info',
  title,
  children,
  action,
  className,
}: {
  look?: keyof typeof LOOKS
  title?: ReactNode
  children?: ReactNode
  action?: ReactNode
  className?: string
}) {
  const { icon: Icon, box, mark } = LOOKS[look]
  return (
    <div
      role={look === 'error' ? 'alert' : undefined}
      className={cn('flex gap-2.5 rounded-md border px-3 py-2.5 text-sm', box, className)}
    >
      <Icon className={cn('mt-0.5 size-4 shrink-0', mark)} aria-hidden />
      <div className="min-w-0 flex-1 wrap-anywhere">
        {title && <p className="font-medium">{title}</p>}
        {children && <div className="text-ink-2">{children}</div>}
      </div>
      {action}
    </div>
  )
}
