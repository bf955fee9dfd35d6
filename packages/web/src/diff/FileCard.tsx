// One changed file. Its lines are drawn when it comes near the window; big and generated ones when asked for.
import { ChevronRight } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { revealHidden } from '../text/hidden.ts'
import { Badge } from '../ui/Badge.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { cn } from '../ui/classes.ts'
import { FileLines } from './FileLines.tsx'
import type { DiffFile } from './parse-diff.ts'

const MANY_LINES = 400
const MUCH_TEXT = 200_000
const GENERATED =
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|Cargo\.lock|go\.sum|poetry\.lock|uv\.lock|composer\.lock|Gemfile\.lock)$|\.min\.(js|css)$|\.snap$/

const whyClosed = (file: DiffFile): string | undefined =>
  file.insertions + file.deletions > MANY_LINES || file.text.length > MUCH_TEXT
    ? 'Large diff'
    : GENERATED.test(file.path)
      ? 'Generated file'
      : file.status === 'deleted'
        ? 'Deleted file'
        : undefined

export function FileCard({ id, file, layout }: { id: string; file: DiffFile; layout: 'unified' | 'split' }) {
  const closed = whyClosed(file)
  const [open, setOpen] = useState(!closed)
  const path = revealHidden(file.path)
  return (
    <article
      id={id}
      tabIndex={-1}
      aria-label={path}
      className="scroll-mt-32 rounded-lg border outline-none focus-visible:border-focus"
    >
      <h2
        className={cn(
          'flex min-h-10 items-center gap-1 rounded-t-lg bg-raised px-2',
          open ? 'border-b' : 'rounded-b-lg',
        )}
      >
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex min-w-0 items-center gap-1.5 rounded py-1 pr-1"
        >
          <ChevronRight
            className={cn('size-4 shrink-0 text-ink-3 transition-transform', open && 'rotate-90')}
            aria-hidden
          />
          <span className="truncate font-mono text-xs font-medium" dir="ltr">
            {file.oldPath && <span className="text-ink-3">{revealHidden(file.oldPath)} → </span>}
            {path}
          </span>
        </button>
        <CopyButton value={file.path} label={`Copy the path ${path}`} />
        {file.status !== 'modified' && (
          <Badge tone={file.status === 'added' ? 'green' : file.status === 'deleted' ? 'red' : 'blue'}>
            {file.status}
          </Badge>
        )}
        <span className="tabular ml-auto shrink-0 pr-1 text-xs">
          <span className="text-green">+{file.insertions}</span>{' '}
          <span className="text-red">−{file.deletions}</span>
        </span>
      </h2>
      {open && <Body file={file} layout={layout} />}
      {!open && closed && (
        <p className="border-t px-3 py-2 text-xs text-ink-3">
          {closed}.{' '}
          <button
            type="button"
            onClick={() => setOpen(true)}
            className="rounded text-link underline underline-offset-2"
          >
            Show it
          </button>
        </p>
      )}
    </article>
  )
}

function Body({ file, layout }: { file: DiffFile; layout: 'unified' | 'split' }) {
  const place = useRef<HTMLDivElement>(null)
  const [near, setNear] = useState(false)
  useEffect(() => {
    if (!place.current || near) return
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && setNear(true), {
      rootMargin: '600px',
    })
    observer.observe(place.current)
    return () => observer.disconnect()
  }, [near])
  if (file.binary || file.text === '') {
    return (
      <p className="px-3 py-2 text-sm text-ink-3">
        {file.binary ? 'Binary file' : 'Only the name or the mode changed'}
      </p>
    )
  }
  const lines = file.text.split('\n').length
  return (
    <div
      ref={place}
      style={near ? undefined : { minHeight: lines * 20 }}
      className="overflow-hidden rounded-b-lg"
    >
      {near && <FileLines file={file} layout={layout} />}
    </div>
  )
}
