// The transcript of a job, drawn only where one looks, following its end unless the reader scrolled up.
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown } from 'lucide-react'
import { useCallback, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { cn } from '../ui/classes.ts'
import type { Row, ShownEntry } from './entries.ts'
import { NoticeRow } from './NoticeRow.tsx'
import { RequestRow } from './RequestRow.tsx'
import { LogRow, VerifyRow, verifyOpensByItself } from './RunRows.tsx'
import { rowsOf, type Transcript } from './reduce.ts'
import { opensByItself, ToolRow } from './ToolRow.tsx'
import { useFollowEnd } from './use-follow-end.ts'
import { Message, Reply, Typing } from './Words.tsx'

export function TranscriptView({
  transcript,
  follow,
  running,
}: {
  transcript: Transcript
  follow: boolean
  running: boolean
}) {
  const [chosen, setChosen] = useState<ReadonlyMap<string, boolean>>(new Map())
  const latestPlan = useMemo(() => latestPlanOf(transcript), [transcript])
  const isOpen = useCallback(
    (entry: ShownEntry) => chosen.get(entry.id) ?? opens(entry, latestPlan),
    [chosen, latestPlan],
  )
  const toggle = useCallback(
    (id: string, open: boolean) => setChosen(before => new Map(before).set(id, open)),
    [],
  )
  const rows = useMemo(() => rowsOf(transcript, isOpen), [transcript, isOpen])
  const list = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  useLayoutEffect(() => {
    // What stands above the list may change its height: a banner, an opened property list.
    const measure = () => setTop(list.current ? list.current.getBoundingClientRect().top + window.scrollY : 0)
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [])
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: index => estimate(rows[index]),
    getItemKey: index => rows[index]?.entry.id ?? index,
    overscan: 8,
    scrollMargin: top,
  })
  const size = virtual.getTotalSize()
  const { atEnd, jump } = useFollowEnd(follow)
  return (
    <>
      <div
        ref={list}
        role="feed"
        aria-label="Transcript"
        aria-busy={running}
        className="relative"
        style={{ height: size }}
      >
        {virtual.getVirtualItems().map(item => {
          const row = rows[item.index]
          return (
            row && (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className="absolute inset-x-0 top-0 py-0.5"
                style={{ transform: `translateY(${item.start - top}px)` }}
              >
                <TranscriptRow row={row} open={isOpen(row.entry)} onToggle={toggle} />
              </div>
            )
          )
        })}
      </div>
      {!atEnd && (
        // Fixed: in the flow it would change the height that decides whether it is shown.
        <div className="pointer-events-none fixed inset-x-0 bottom-4 z-10 flex justify-center md:left-[13.5rem] lg:right-[19rem]">
          <Button
            onClick={jump}
            className="animate-rise pointer-events-auto rounded-full bg-overlay shadow-overlay dark:bg-overlay"
          >
            <ArrowDown aria-hidden />
            Jump to latest
          </Button>
        </div>
      )}
    </>
  )
}

const latestPlanOf = ({ entries }: Transcript): string | undefined =>
  entries.findLast(entry => entry.kind === 'tool' && entry.name === 'TodoWrite')?.id

function opens(entry: ShownEntry, latestPlan?: string): boolean {
  if (entry.kind === 'tool') return opensByItself(entry, latestPlan)
  return entry.kind === 'verify' && verifyOpensByItself(entry)
}

function estimate(row: Row | undefined): number {
  if (row?.entry.kind === 'message') return 40 + Math.ceil(row.entry.text.length / 90) * 23
  if (row?.entry.kind === 'tool' && opens(row.entry)) return 160
  return 38
}

function TranscriptRow({
  row: { entry, depth },
  open,
  onToggle,
}: {
  row: Row
  open: boolean
  onToggle: (id: string, open: boolean) => void
}) {
  const toggle = (next: boolean) => onToggle(entry.id, next)
  return (
    <article
      aria-label={labelOf(entry)}
      className={cn(depth > 0 && 'border-l-2 border-line pl-3')}
      style={depth > 0 ? { marginLeft: `${Math.min(depth, 4) - 0.45}rem` } : undefined}
    >
      {entry.kind === 'message' && (
        <div className="px-2 py-1.5">
          <Message text={entry.text} />
        </div>
      )}
      {entry.kind === 'typing' && (
        <div className="px-2 py-1">
          <Typing text={entry.text} />
        </div>
      )}
      {entry.kind === 'reply' && <Reply text={entry.text} by={entry.by} />}
      {entry.kind === 'request' && <RequestRow entry={entry} />}
      {entry.kind === 'tool' && <ToolRow entry={entry} open={open} onToggle={toggle} />}
      {entry.kind === 'verify' && <VerifyRow entry={entry} open={open} onToggle={toggle} />}
      {entry.kind === 'log' && <LogRow entry={entry} open={open} onToggle={toggle} />}
      {entry.kind === 'notice' && <NoticeRow entry={entry} />}
    </article>
  )
}

const LABELS: Record<ShownEntry['kind'], string> = {
  message: 'Claude',
  typing: 'Claude is writing',
  reply: 'Reply',
  request: 'Request',
  tool: 'Tool call',
  verify: 'Verify run',
  log: 'Log',
  notice: 'Notice',
}

const labelOf = (entry: ShownEntry): string => LABELS[entry.kind]
