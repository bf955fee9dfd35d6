// The console's one WebSocket: says which job changed. Knows no cache; hints only, the truth is fetched.
import type { StreamedEvent } from './types.ts'

export type LiveStatus = 'connecting' | 'live' | 'offline'

export interface LiveConnection {
  status(): LiveStatus
  onStatus(listener: () => void): () => void
  /** `undefined`: the connection came (back) and anything may have changed. */
  onHint(listener: (event: StreamedEvent | undefined) => void): () => void
  close(): void
}

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 15_000

export function createLiveConnection(url: string): LiveConnection {
  const statusListeners = new Set<() => void>()
  const hintListeners = new Set<(event: StreamedEvent | undefined) => void>()
  let status: LiveStatus = 'connecting'
  let retryMs = FIRST_RETRY_MS
  let timer: ReturnType<typeof setTimeout> | undefined
  let closed = false
  let socket = open()

  function setStatus(next: LiveStatus) {
    status = next
    for (const listener of statusListeners) listener()
  }

  function hint(event: StreamedEvent | undefined) {
    for (const listener of hintListeners) listener(event)
  }

  function open(): WebSocket {
    const opened = new WebSocket(url)
    opened.onopen = () => {
      opened.send(JSON.stringify({ subscribe: '*', after: 0 }))
      retryMs = FIRST_RETRY_MS
      setStatus('live')
      hint(undefined)
    }
    opened.onmessage = message => {
      const event = eventOf(message.data)
      if (event) hint(event)
    }
    opened.onclose = () => retry()
    return opened
  }

  function retry() {
    if (closed) return
    setStatus('offline')
    timer = setTimeout(
      () => {
        socket = open()
      },
      retryMs * (0.75 + Math.random() / 2),
    )
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
  }

  return {
    status: () => status,
    onStatus: listener => subscribe(statusListeners, listener),
    onHint: listener => subscribe(hintListeners, listener),
    close() {
      closed = true
      clearTimeout(timer)
      socket.close()
    },
  }
}

function subscribe<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function eventOf(data: unknown): StreamedEvent | undefined {
  if (typeof data !== 'string') return undefined
  try {
    // Events alone have a job; the server's other messages (`live.subscribed`, `live.error`) tell nothing of one.
    const message = JSON.parse(data) as Partial<StreamedEvent>
    return typeof message.jobId === 'string' ? (message as StreamedEvent) : undefined
  } catch {
    return undefined
  }
}

export const liveUrl = (location: Location): string =>
  `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/live`
