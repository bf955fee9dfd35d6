// What everyone should know before reading further: scripted answers, no worker, what is away.
import { useQuery } from '@tanstack/react-query'
import { FlaskConical, ServerOff, Unplug } from 'lucide-react'
import type { ReactNode } from 'react'
import { systemQuery } from '../api/queries.ts'

export function Banners() {
  const system = useQuery(systemQuery)
  return (
    <aside aria-label="Notices">
      {system.data?.scriptedModel && (
        <Banner icon={<FlaskConical className="mt-0.5 size-3.5 shrink-0" aria-hidden />}>
          Answers come from the scripted model, not from Claude.
        </Banner>
      )}
      {system.data?.workers === 0 && (
        <Banner icon={<ServerOff className="mt-0.5 size-3.5 shrink-0" aria-hidden />}>
          No worker is connected: jobs wait in the queue until one starts.
        </Banner>
      )}
      {system.data?.degraded?.map(what => (
        <Banner key={what} icon={<Unplug className="mt-0.5 size-3.5 shrink-0" aria-hidden />}>
          Slower for now, and nothing is lost: {what}
        </Banner>
      ))}
    </aside>
  )
}

function Banner({ icon, children }: { icon: ReactNode; children: ReactNode }) {
  return (
    <div className="flex gap-2 border-b bg-amber-soft px-4 py-1.5 text-xs text-amber md:px-6">
      {icon}
      <p>{children}</p>
    </div>
  )
}
