// A row that opens: one line always, the rest on demand. Used for tools, verify runs and logs.
import { ChevronRight } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import { cn } from '../ui/classes.ts'

export function Disclosure({
  open,
  onToggle,
  icon,
  title,
  digest,
  end,
  children,
}: {
  open: boolean
  onToggle: (open: boolean) => void
  icon: ReactNode
  title: ReactNode
  digest?: ReactNode
  end?: ReactNode
  /** Nothing inside: the row is a line and no button. */
  children?: ReactNode
}) {
  const id = useId()
  const line = (
    <>
      {icon}
      <span className="shrink-0 text-sm font-medium">{title}</span>
      <span className="min-w-0 flex-1 truncate pt-0.5 text-left font-mono text-xs text-ink-2">{digest}</span>
      <span className="tabular flex shrink-0 items-center gap-2 text-xs text-ink-3">{end}</span>
    </>
  )
  if (!children) return <div className="flex min-h-8 items-center gap-2 px-2">{line}</div>
  return (
    <div className={cn('rounded-md border', open ? 'border-line' : 'border-transparent')}>
      <button
        type="button"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => onToggle(!open)}
        className="group flex min-h-8 w-full min-w-0 items-center gap-2 rounded-md px-2 hover:bg-hover"
      >
        {line}
        <ChevronRight
          className={cn('size-3.5 shrink-0 text-ink-3 transition-transform', open && 'rotate-90')}
          aria-hidden
        />
      </button>
      {open && (
        <div id={id} className="space-y-2 px-2 pt-1 pb-2">
          {children}
        </div>
      )}
    </div>
  )
}
