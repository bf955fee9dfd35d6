// Follows a job to its end, or until the person who watches has seen enough (Ctrl-C). The job goes on either way.
import type { FlowForge, Job, JobEvent } from '@flowforge/sdk'
import type { View } from './view.ts'

export type Followed = { outcome: 'ended'; job: Job } | { outcome: 'detached' }

export async function followJob(
  flowforge: FlowForge,
  job: Job,
  view: View,
  { after = 0, onEvent }: { after?: number; onEvent?: ((event: JobEvent) => void) | undefined } = {},
): Promise<Followed> {
  const detach = new AbortController()
  const onInterrupt = () => {
    // The second Ctrl-C finds no handler and ends the process at once.
    process.removeListener('SIGINT', onInterrupt)
    detach.abort()
  }
  process.on('SIGINT', onInterrupt)
  try {
    const events = flowforge.jobs.follow(job.id, {
      after,
      signal: detach.signal,
      onConnect: () => view.notice(undefined),
      // The first break is mended at once as a rule and not worth a word.
      onReconnect: ({ attempt }) => {
        if (attempt === 2) view.notice('Connection lost; trying again')
      },
    })
    for await (const event of events) {
      view.show(event)
      onEvent?.(event)
    }
    return { outcome: 'ended', job: await flowforge.jobs.get(job.id, { signal: detach.signal }) }
  } catch (error) {
    if (detach.signal.aborted) return { outcome: 'detached' }
    throw error
  } finally {
    process.removeListener('SIGINT', onInterrupt)
    view.close()
  }
}
