// The raw events of a job, filtered by type or text; newest pages of thousands are drawn on demand.
import { useDeferredValue, useMemo, useState } from 'react'
import type { StreamedEvent } from '../api/types.ts'
import { oneLine, revealHidden } from '../text/hidden.ts'
import { plural } from '../text/quantities.ts'
import { Button } from '../ui/Button.tsx'
import { Input, Select } from '../ui/Input.tsx'

const SHOWN_AT_ONCE = 200
const MAX_JSON = 20_000

export function EventTimeline({ events, count }: { events: readonly StreamedEvent[]; count: number }) {
  const [type, setType] = useState('')
  const [words, setWords] = useState('')
  const [limit, setLimit] = useState(SHOWN_AT_ONCE)
  const deferred = useDeferredValue(words.toLowerCase())
  // `events` grows in place: `count` says that it did.
  const types = useMemo(
    () => [...new Set(events.slice(0, count).map(event => event.type))].sort(),
    [events, count],
  )
  const matching = useMemo(
    () =>
      events
        .slice(0, count)
        .filter(
          event =>
            (!type || event.type === type) &&
            (!deferred || JSON.stringify(event).toLowerCase().includes(deferred)),
        ),
    [events, count, type, deferred],
  )
  return (
    <div>
      <div className="mb-2 flex flex-wrap items-center gap-2">
        <Input
          type="search"
          aria-label="Search events"
          placeholder="Search"
          value={words}
          onChange={event => setWords(event.target.value)}
          className="w-48"
        />
        <Select aria-label="Event type" value={type} onChange={event => setType(event.target.value)}>
          <option value="">All types</option>
          {types.map(name => (
            <option key={name}>{name}</option>
          ))}
        </Select>
        <span role="status" className="tabular text-xs text-ink-3">
          {plural(matching.length, 'event')}
        </span>
      </div>
      <ol className="divide-y rounded-lg border">
        {matching.slice(0, limit).map(event => (
          <EventLine key={event.seq} event={event} />
        ))}
      </ol>
      {matching.length > limit && (
        <Button size="sm" className="mt-2" onClick={() => setLimit(before => before + SHOWN_AT_ONCE)}>
          Show more
        </Button>
      )}
    </div>
  )
}

function EventLine({ event }: { event: StreamedEvent }) {
  const [open, setOpen] = useState(false)
  return (
    <li>
      <details onToggle={toggle => setOpen(toggle.currentTarget.open)}>
        <summary className="flex min-h-8 list-none items-center gap-3 px-3 text-xs hover:bg-hover focus-visible:-outline-offset-2 [&::-webkit-details-marker]:hidden">
          <span className="tabular w-9 shrink-0 text-right text-ink-3">{event.seq}</span>
          <time dateTime={event.at} title={event.at} className="tabular shrink-0 text-ink-3 max-sm:hidden">
            {new Date(event.at).toLocaleTimeString(undefined, { hour12: false })}
          </time>
          <span className="shrink-0 font-mono font-medium">{oneLine(event.type, 60)}</span>
          <span className="min-w-0 truncate font-mono text-ink-3">
            {oneLine(JSON.stringify(event.data).slice(0, 1_000), 200)}
          </span>
        </summary>
        {open && (
          <pre className="max-h-96 overflow-auto border-t bg-raised px-3 py-2 font-mono text-xs wrap-anywhere whitespace-pre-wrap">
            {revealHidden(JSON.stringify(event.data, null, 2).slice(0, MAX_JSON))}
          </pre>
        )}
      </details>
    </li>
  )
}
