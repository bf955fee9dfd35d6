// An edit's lines, out and in.
import { useMemo } from 'react'
import { revealHidden } from '../text/hidden.ts'
import { cn } from '../ui/classes.ts'
import { ScrollBox } from '../ui/ScrollBox.tsx'
import { lineDiff } from './line-diff.ts'

const MAX_LINES = 400
const MARKS = { same: ' ', out: '−', in: '+' } as const
const LOOKS = { same: 'text-ink-2', out: 'bg-red-soft', in: 'bg-green-soft' } as const
const MARK_LOOKS = { same: '', out: 'text-red', in: 'text-green' } as const

export function LineDiffView({ before, after, label }: { before: string; after: string; label: string }) {
  const lines = useMemo(() => lineDiff(before, after), [before, after])
  const shown = lines.slice(0, MAX_LINES)
  return (
    <ScrollBox
      label={label}
      className="max-h-96 overflow-auto rounded-md border py-1 font-mono text-xs leading-5"
    >
      <div className="w-max min-w-full">
        {shown.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place
          <div key={index} className={cn('flex px-3 whitespace-pre', LOOKS[line.kind])}>
            <span className={cn('w-4 shrink-0 select-none', MARK_LOOKS[line.kind])} aria-hidden>
              {MARKS[line.kind]}
            </span>
            {line.kind !== 'same' && (
              <span className="sr-only">{line.kind === 'in' ? 'added: ' : 'removed: '}</span>
            )}
            {revealHidden(line.text) || ' '}
          </div>
        ))}
      </div>
      {lines.length > shown.length && (
        <p className="px-3 pt-1 text-ink-3">
          … {lines.length - shown.length} more lines; the Diff tab has all of them
        </p>
      )}
    </ScrollBox>
  )
}
