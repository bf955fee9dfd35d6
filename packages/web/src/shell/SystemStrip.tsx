// What runs behind the console, in three quiet lines.
import { useQuery } from '@tanstack/react-query'
import { ShieldAlert, ShieldCheck } from 'lucide-react'
import type { LiveStatus } from '../api/live.ts'
import { systemQuery } from '../api/queries.ts'
import { plural } from '../text/quantities.ts'
import { cn } from '../ui/classes.ts'
import { useLiveStatus } from './live-context.tsx'

const LIVE_WORDS: Record<LiveStatus, string> = {
  connecting: 'Connecting…',
  live: 'Live',
  offline: 'Reconnecting…',
}

export function SystemStrip() {
  const system = useQuery(systemQuery)
  const live = useLiveStatus()
  return (
    <section aria-label="System" className="space-y-1 px-4 py-3 text-xs text-ink-3">
      <p className="flex items-center gap-2" role="status">
        <span
          aria-hidden
          className={cn('size-1.5 rounded-full', live === 'live' ? 'bg-green' : 'animate-pulse bg-amber')}
        />
        {LIVE_WORDS[live]}
        {system.data && (
          <span
            className="tabular ml-auto"
            title={`${system.data.queue.running} running, ${system.data.queue.queued} queued`}
          >
            {system.data.queue.running} running · {system.data.queue.queued} queued
          </span>
        )}
      </p>
      {system.data && (
        <>
          <p className="flex items-center gap-2">
            <span className={cn(system.data.workers === 0 && 'font-medium text-amber')}>
              {plural(system.data.workers, 'worker')}
            </span>
            <span>{system.data.executor}</span>
            <Isolation level={system.data.isolation} />
          </p>
          <p>FlowForge {system.data.version}</p>
        </>
      )}
    </section>
  )
}

const ISOLATION = {
  full: { label: 'isolated', title: 'Containers have no network at all' },
  reduced: { label: 'reduced isolation', title: 'Containers share a network with the gateway alone' },
  none: { label: 'no containers', title: 'Nothing runs in containers here' },
} as const

function Isolation({ level }: { level: keyof typeof ISOLATION }) {
  const full = level === 'full'
  const Icon = full ? ShieldCheck : ShieldAlert
  return (
    <span
      className={cn('ml-auto inline-flex items-center gap-1', !full && 'text-amber')}
      title={ISOLATION[level].title}
    >
      <Icon className="size-3" aria-hidden />
      {ISOLATION[level].label}
    </span>
  )
}
