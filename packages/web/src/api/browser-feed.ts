// The event feed's ports in a browser: fetch for pages, EventSource for the stream, animation frames for bursts.
import { listEvents, streamPath } from './endpoints.ts'
import type { FeedPorts } from './event-feed.ts'
import type { StreamedEvent } from './types.ts'

export const browserFeedPorts = (jobId: string): FeedPorts => ({
  page: (after, signal) => listEvents(jobId, after, signal),
  stream(after, onEvent, onCut) {
    const source = new EventSource(streamPath(jobId, after))
    source.onmessage = message => {
      const event = parse(message.data)
      if (event) onEvent(event)
    }
    // The feed reconnects by itself, from its own cursor: EventSource gives up for good on an error status.
    source.onerror = () => {
      source.close()
      onCut()
    }
    return () => source.close()
  },
  soon: run => {
    // A hidden tab gets no frames; the timer keeps its memory bounded.
    if (document.hidden) setTimeout(run, 250)
    else requestAnimationFrame(run)
  },
  later: (run, delayMs) => {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
})

function parse(data: string): StreamedEvent | undefined {
  try {
    return JSON.parse(data) as StreamedEvent
  } catch {
    return undefined
  }
}
