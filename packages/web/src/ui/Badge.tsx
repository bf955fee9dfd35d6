// A small word with a tone.
import type { ReactNode } from 'react'
import { cn } from './classes.ts'

export type Tone = 'neutral' | 'blue' | 'green' | 'red' | 'amber' | 'violet'

export const TONE_TEXT: Record<Tone, string> = {
  neutral: 'text-ink-2',
  blue: 'text-blue',
  green: 'text-green',
  red: 'text-red',
  amber: 'text-amber',
  violet: 'text-violet',
}

const TONE_BADGE: Record<Tone, string> = {
  neutral: 'bg-hover text-ink-2',
  blue: 'bg-blue-soft text-blue',
  green: 'bg-green-soft text-green',
  red: 'bg-red-soft text-red',
  amber: 'bg-amber-soft text-amber',
  violet: 'bg-violet-soft text-violet',
}

export function Badge({
  tone = 'neutral',
  className,
  children,
  title,
}: {
  tone?: Tone
  className?: string
  children: ReactNode
  title?: string
}) {
  return (
    <span
      title={title}
      className={cn(
        'inline-flex h-5 shrink-0 items-center gap-1 rounded px-1.5 text-xs font-medium whitespace-nowrap [&_svg]:size-3',
        TONE_BADGE[tone],
        className,
      )}
    >
      {children}
    </span>
  )
}
