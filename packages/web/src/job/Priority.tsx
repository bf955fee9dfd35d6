// A job's priority, quiet when it is the normal one.
import { ChevronsDown, ChevronsUp } from 'lucide-react'
import type { Priority as Level } from '../api/types.ts'

export function PriorityMark({ priority }: { priority: Level }) {
  if (priority === 'high') {
    return <ChevronsUp role="img" aria-label="High priority" className="size-3.5 shrink-0 text-amber" />
  }
  if (priority === 'low') {
    return <ChevronsDown role="img" aria-label="Low priority" className="size-3.5 shrink-0 text-ink-3" />
  }
  return null
}
