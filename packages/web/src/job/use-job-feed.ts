// A job's events in React: the feed started and stopped with the page, read into transcript and stages as they come.
import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { browserFeedPorts } from '../api/browser-feed.ts'
import { isSignedOut } from '../api/client.ts'
import { createEventFeed, type EventFeed, type FeedState } from '../api/event-feed.ts'
import { jobQuery } from '../api/queries.ts'
import type { StreamedEvent } from '../api/types.ts'
import { useLiveHints } from '../shell/live-context.tsx'
import { emptyTranscript, reduceTranscript, type Transcript } from '../transcript/reduce.ts'
import { noStages, readStages, type StageLog } from './stages.ts'

export interface JobFeed {
  transcript: Transcript
  stages: StageLog
  /** The stored events, for the timeline. Grows in place; `count` says how far. */
  events: readonly StreamedEvent[]
  count: number
  state: FeedState
  error: unknown
}

const nothing = (): JobFeed => ({
  transcript: emptyTranscript,
  stages: noStages,
  events: [],
  count: 0,
  state: 'loading',
  error: undefined,
})

export function useJobFeed(jobId: string): JobFeed {
  const queryClient = useQueryClient()
  const feed = useRef<EventFeed>(undefined)
  const [view, setView] = useState(nothing)
  useEffect(() => {
    const events: StreamedEvent[] = []
    setView({ ...nothing(), events })
    const opened = createEventFeed(
      browserFeedPorts(jobId),
      batch => {
        for (const event of batch) if (event.seq !== undefined) events.push(event)
        setView(before => ({
          ...before,
          transcript: reduceTranscript(before.transcript, batch),
          stages: readStages(before.stages, batch),
          count: events.length,
        }))
        // The job itself is read again, should the live connection be down.
        if (opened.state() !== 'loading' && batch.some(event => event.type.startsWith('job.'))) {
          void queryClient.invalidateQueries({ queryKey: jobQuery(jobId).queryKey, exact: true })
        }
      },
      () => {
        setView(before => ({ ...before, state: opened.state(), error: opened.error() }))
        // The session has ended: the job's own query finds out as well and leads to the sign-in page.
        if (isSignedOut(opened.error())) {
          void queryClient.invalidateQueries({ queryKey: jobQuery(jobId).queryKey, exact: true })
        }
      },
    )
    feed.current = opened
    return () => opened.close()
  }, [jobId, queryClient])
  useLiveHints(
    useCallback(
      event => {
        if (!event || event.jobId === jobId) feed.current?.nudge(event?.seq)
      },
      [jobId],
    ),
  )
  return view
}
