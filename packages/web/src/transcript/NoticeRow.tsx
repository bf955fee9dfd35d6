// One thing that happened beside Claude's work: a clone, a push, a refusal.
import {
  CircleCheck,
  CircleX,
  Clock,
  GitBranch,
  GitCommitHorizontal,
  Info,
  type LucideIcon,
  ShieldX,
  TriangleAlert,
} from 'lucide-react'
import { firstLine, revealHidden } from '../text/hidden.ts'
import { cn } from '../ui/classes.ts'
import type { NoticeEntry, NoticeTone } from './entries.ts'

const LOOKS: Record<NoticeTone, { icon: LucideIcon; text: string; box: string }> = {
  quiet: { icon: Info, text: 'text-ink-3', box: '' },
  info: { icon: Clock, text: 'text-ink-2', box: '' },
  good: { icon: CircleCheck, text: 'text-green', box: '' },
  warning: { icon: TriangleAlert, text: 'text-amber', box: 'bg-amber-soft' },
  bad: { icon: CircleX, text: 'text-red', box: 'bg-red-soft' },
}

function iconOf(type: string, fallback: LucideIcon): LucideIcon {
  if (type === 'egress.blocked' || type === 'policy.denied' || type === 'git.push.refused') return ShieldX
  if (type === 'git.committed') return GitCommitHorizontal
  if (type === 'git.pushed' || type === 'git.cloned') return GitBranch
  return fallback
}

export function NoticeRow({ entry }: { entry: NoticeEntry }) {
  const look = LOOKS[entry.tone]
  const Icon = iconOf(entry.type, look.icon)
  const loud = look.box !== ''
  return (
    <div className={cn('flex items-start gap-2 rounded-md px-2 py-1.5 text-sm', look.box)}>
      <Icon className={cn('mt-0.5 size-4 shrink-0', look.text)} aria-hidden />
      <p className="min-w-0 wrap-anywhere">
        <span className={cn(loud ? 'font-medium' : 'text-ink-2')}>{revealHidden(entry.title)}</span>
        {entry.detail && (
          <span className={loud ? 'text-ink-2' : 'text-ink-3'}>
            {' '}
            {loud ? revealHidden(entry.detail) : firstLine(entry.detail, 160)}
          </span>
        )}
      </p>
    </div>
  )
}
