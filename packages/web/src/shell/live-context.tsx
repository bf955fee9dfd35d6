// One live connection for all pages, and the cache kept fresh by its hints. Pages may listen to the hints as well.
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { createLiveConnection, type LiveConnection, type LiveStatus, liveUrl } from '../api/live.ts'
import type { StreamedEvent } from '../api/types.ts'

const LiveContext = createContext<LiveConnection | undefined>(undefined)

/** A busy job sends hundreds of events a second; the list is read again at most this often. */
const GATHER_MS = 400

export function LiveProvider({ children }: { children: ReactNode }) {
  const queryClient = useQueryClient()
  const [live, setLive] = useState<LiveConnection>()
  useEffect(() => {
    const connection = createLiveConnection(liveUrl(window.location))
    const stop = refreshOnHints(connection, queryClient)
    setLive(connection)
    return () => {
      stop()
      connection.close()
      setLive(undefined)
    }
  }, [queryClient])
  return <LiveContext value={live}>{children}</LiveContext>
}

/** Events that change what a row or a header shows. The others would only make work. */
const changesJob = (type: string): boolean =>
  /^(job\.|attempt\.|claude\.usage|git\.pushed|git\.pull_request|verify\.finished|budget\.)/.test(type)

function refreshOnHints(connection: LiveConnection, queryClient: QueryClient): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let changed = new Set<string>()
  let everything = false
  function refresh() {
    timer = undefined
    const jobIds = changed
    const all = everything
    changed = new Set()
    everything = false
    void queryClient.invalidateQueries({ queryKey: ['jobs'] })
    void queryClient.invalidateQueries({ queryKey: ['system'] })
    if (all) void queryClient.invalidateQueries({ queryKey: ['job'] })
    else
      for (const jobId of jobIds)
        void queryClient.invalidateQueries({ queryKey: ['job', jobId], exact: true })
  }
  const stop = connection.onHint(event => {
    if (event && !changesJob(event.type)) return
    if (event) changed.add(event.jobId)
    else everything = true
    timer ??= setTimeout(refresh, GATHER_MS)
  })
  return () => {
    stop()
    clearTimeout(timer)
  }
}

const noSubscription = () => () => {}

export function useLiveStatus(): LiveStatus {
  const live = useContext(LiveContext)
  return useSyncExternalStore(live?.onStatus ?? noSubscription, () => live?.status() ?? 'connecting')
}

export function useLiveHints(listener: (event: StreamedEvent | undefined) => void) {
  const live = useContext(LiveContext)
  useEffect(() => live?.onHint(listener), [live, listener])
}
