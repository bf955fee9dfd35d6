// Program output: colours kept, everything else made harmless, and only as much of it drawn as the page can carry.
import { useMemo, useState } from 'react'
import { type AnsiColor, segmentsOf } from '../text/ansi.ts'
import { formatCount } from '../text/quantities.ts'
import { Button } from './Button.tsx'
import { cn } from './classes.ts'
import { ScrollBox } from './ScrollBox.tsx'

const COLORS: Record<AnsiColor, string> = {
  red: 'text-red',
  green: 'text-green',
  amber: 'text-amber',
  blue: 'text-blue',
  violet: 'text-violet',
  dim: 'text-ink-3',
}

const FIRST_SHOWN = 20_000
const MORE_SHOWN = 200_000

export function TerminalText({
  text,
  label,
  className,
}: {
  text: string
  label: string
  className?: string
}) {
  const [limit, setLimit] = useState(FIRST_SHOWN)
  const cut = text.length > limit
  const segments = useMemo(() => segmentsOf(cut ? text.slice(0, limit) : text), [text, cut, limit])
  if (text.trim() === '') return <p className="text-xs text-ink-3">No output</p>
  return (
    <div>
      <ScrollBox
        label={label}
        className={cn(
          'max-h-96 overflow-auto rounded-md border bg-raised px-3 py-2 font-mono text-xs leading-5 wrap-anywhere whitespace-pre-wrap',
          className,
        )}
      >
        {segments.map((segment, index) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: segments have no identity
            key={index}
            className={
              cn(segment.color && COLORS[segment.color], segment.bold && 'font-semibold') || undefined
            }
          >
            {segment.text}
          </span>
        ))}
      </ScrollBox>
      {cut && (
        <Button size="sm" className="mt-1.5" onClick={() => setLimit(before => before + MORE_SHOWN)}>
          Show more ({formatCount(text.length - limit)} characters left)
        </Button>
      )}
    </div>
  )
}
