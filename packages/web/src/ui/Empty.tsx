// What a place shows when nothing is there: says what it is for and what to do first.
import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

export function Empty({
  icon: Icon,
  title,
  heading: Heading = 'h2',
  children,
  action,
}: {
  icon: LucideIcon
  title: string
  /** h1 where it stands for the whole page. */
  heading?: 'h1' | 'h2'
  children?: ReactNode
  action?: ReactNode
}) {
  return (
    <div className="mx-auto flex max-w-md flex-col items-center px-4 py-14 text-center">
      <span className="mb-3 grid size-10 place-items-center rounded-lg border bg-raised text-ink-2">
        <Icon className="size-5" aria-hidden />
      </span>
      <Heading className="text-base font-semibold">{title}</Heading>
      {children && <div className="mt-1 text-sm text-ink-2">{children}</div>}
      {action && <div className="mt-4 flex gap-2">{action}</div>}
    </div>
  )
}
