// Grey shapes while data comes. They appear late, so that a fast answer does not flicker.
import { cn } from './classes.ts'

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn('animate-pulse rounded bg-active', className)} />
}

const WIDTHS = ['w-3/5', 'w-2/5', 'w-1/2', 'w-2/3', 'w-1/3', 'w-5/12']

export function SkeletonRows({ rows = 6, label }: { rows?: number; label: string }) {
  return (
    <div role="status" aria-label={label} className="animate-[fade_0.2s_0.15s_ease-out_both] divide-y">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike
        <div key={row} className="flex items-center gap-3 px-4 py-3 md:px-6">
          <Skeleton className="size-4 rounded-full" />
          <Skeleton className={cn('h-3.5', WIDTHS[row % WIDTHS.length])} />
          <Skeleton className="ml-auto h-3 w-12" />
        </div>
      ))}
    </div>
  )
}
