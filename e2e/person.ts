// What a person does with a FlowForge: submits, watches, waits for the end. Knows nothing of how it runs.
import { createFlowForge, type FlowForge, type Job, type JobEvent, type NewJob } from '@flowforge/sdk'

export interface Person {
  url: string
  /** An owner's API key. */
  token: string
  flowforge: FlowForge
  submit(job: NewJob): Promise<Job>
  untilFinished(job: Pick<Job, 'id'>): Promise<Job>
  run(job: NewJob): Promise<Job>
  events(job: Pick<Job, 'id'>): Promise<JobEvent[]>
  /** The first event of this type, as soon as it is there. */
  untilEvent(
    job: Pick<Job, 'id'>,
    type: JobEvent['type'],
    fits?: (event: JobEvent) => boolean,
  ): Promise<JobEvent>
}

export function createPerson({ url, token }: { url: string; token: string }): Person {
  const flowforge = createFlowForge({ baseUrl: url, token })
  const events = (job: Pick<Job, 'id'>) => collect(flowforge.jobs.events(job.id, { limit: 500 }))
  const untilFinished = async ({ id }: Pick<Job, 'id'>) => {
    for await (const _ of flowforge.jobs.follow(id));
    return flowforge.jobs.get(id)
  }
  return {
    url,
    token,
    flowforge,
    submit: job => flowforge.jobs.create(job),
    untilFinished,
    run: async job => untilFinished(await flowforge.jobs.create(job)),
    events,
    untilEvent: async (job, type, fits = () => true) => {
      for await (const event of flowforge.jobs.follow(job.id))
        if (event.type === type && fits(event)) return event
      throw new Error(
        `the job ended without ${type}: ${(await events(job)).map(event => event.type).join(' ')}`,
      )
    },
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
