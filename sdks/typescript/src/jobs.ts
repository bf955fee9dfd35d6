// Jobs: submit, look at, follow, talk to, change, cancel, retry, interrupt.
import { readApiError } from './errors.ts'
import { type FollowOptions, followEvents } from './follow.ts'
import { createPages, type Pages } from './pages.ts'
import { type CallOptions, type CreateOptions, idempotency, type Transport } from './transport.ts'
import type {
  Approval,
  Attempt,
  Job,
  JobChange,
  JobDiff,
  JobEvent,
  JobFilter,
  JobRelations,
  NewBatch,
  NewJob,
  Page,
  Reply,
  Verdict,
} from './types.ts'

export interface ListOptions extends CallOptions {
  /** Items per page; the server has a default and a maximum. */
  limit?: number
}

/** `id` is a job's id, or its number as text, everywhere here. */
export interface Jobs {
  create(job: NewJob, options?: CreateOptions): Promise<Job>
  /** All of them or none, in the order given. Within a batch `needs` may name the `key` of another job. */
  createBatch(jobs: NewBatch['jobs'], options?: CreateOptions): Promise<Job[]>
  /** Newest first. */
  list(filter?: JobFilter & ListOptions): Pages<Job>
  get(id: string, options?: CallOptions): Promise<Job>
  /** Priority and time while it is pending or queued, budget while it is unfinished. */
  change(id: string, change: JobChange, options?: CallOptions): Promise<Job>
  /** The jobs that it needs, and those that wait for it. */
  relations(id: string, options?: CallOptions): Promise<JobRelations>
  cancel(id: string, options?: CallOptions): Promise<Job>
  /** Of a job that failed or was cancelled. */
  retry(id: string, options?: CreateOptions): Promise<Job>
  /** Ends the agent's turn; what it has done is committed and pushed. */
  interrupt(id: string, options?: CallOptions): Promise<Job>
  /**
   * Goes to Claude as it works, answers what the job waits for, or takes a finished job up again as the next turn of the
   * same conversation. Words alone reach a plan or a tool call as a no, with what should be done differently.
   */
  reply(id: string, reply: Reply, options?: CreateOptions): Promise<Job>
  /** Decides one request; `request_decided` when somebody was faster. */
  approve(id: string, verdict: Verdict, options?: CreateOptions): Promise<Job>
  /** All that Claude asked of people, in the order in which it did. */
  approvals(id: string, options?: CallOptions): Promise<Approval[]>
  /** What is in the log now, from behind `after`; ends without waiting for more. */
  events(id: string, options?: CallOptions & { after?: number; limit?: number }): AsyncIterable<JobEvent>
  /** What is in the log and what comes, until the job has ended. */
  follow(id: string, options?: FollowOptions): AsyncGenerator<JobEvent, void>
  /** Of the whole job, or of what one attempt pushed or left behind. */
  diff(id: string, options?: CallOptions & { attempt?: number }): Promise<JobDiff>
  /** Every try at the job, oldest first. */
  attempts(id: string, options?: CallOptions): Promise<Attempt[]>
  /** The transcript as plain text. */
  log(id: string, options?: CallOptions): Promise<string>
}

export function createJobs({ client, once }: Transport): Jobs {
  const loadEvents = async (id: string, after: number, options: CallOptions & { limit?: number }) => {
    const { signal, limit } = options
    const query = limit === undefined ? { after } : { after, limit }
    const { data } = await client.GET('/api/v1/jobs/{id}/events', { params: { path: { id }, query }, signal })
    // The document leaves the data of events open; `EventData` says what it is for each type.
    return data as Page<JobEvent>
  }

  async function* events(
    id: string,
    { after = 0, ...options }: CallOptions & { after?: number; limit?: number } = {},
  ): AsyncGenerator<JobEvent, void> {
    let cursor = after
    for (;;) {
      const page = await loadEvents(id, cursor, options)
      yield* page.data
      cursor = page.data.at(-1)?.seq ?? cursor
      if (!page.hasMore || page.data.length === 0) return
    }
  }

  /** One try without the client's retries: following has its own, which know the cursor. */
  const openStream = async (id: string, after: number, signal: AbortSignal | undefined) => {
    const { data, response } = await client.GET('/api/v1/jobs/{id}/stream', {
      params: { path: { id }, query: { after } },
      headers: { accept: 'text/event-stream', 'last-event-id': String(after) },
      parseAs: 'stream',
      signal,
      fetch: async request => {
        const answer = await once(request)
        if (!answer.ok) throw await readApiError(answer)
        return answer
      },
    })
    return response.status === 204 ? null : data!
  }

  const tell =
    (act: 'cancel' | 'retry' | 'interrupt') =>
    async (id: string, options: CreateOptions = {}): Promise<Job> => {
      const { data } = await client.POST(`/api/v1/jobs/{id}/${act}`, {
        params: { path: { id } },
        ...idempotency(options),
      })
      return data!
    }

  return {
    create: async (job, options = {}) => {
      const { data } = await client.POST('/api/v1/jobs', { body: job, ...idempotency(options) })
      return data!
    },
    createBatch: async (jobs, options = {}) => {
      const { data } = await client.POST('/api/v1/jobs/batch', { body: { jobs }, ...idempotency(options) })
      return data!.jobs
    },
    list: ({ signal, ...query } = {}) =>
      createPages(async cursor => {
        const { data } = await client.GET('/api/v1/jobs', {
          params: { query: cursor === undefined ? query : { ...query, cursor } },
          signal,
        })
        return data!
      }),
    get: async (id, { signal } = {}) =>
      (await client.GET('/api/v1/jobs/{id}', { params: { path: { id } }, signal })).data!,
    change: async (id, change, { signal } = {}) => {
      const path = { path: { id } }
      return (await client.PATCH('/api/v1/jobs/{id}', { params: path, body: change, signal })).data!
    },
    relations: async (id, { signal } = {}) =>
      (await client.GET('/api/v1/jobs/{id}/relations', { params: { path: { id } }, signal })).data!,
    cancel: tell('cancel'),
    retry: tell('retry'),
    interrupt: tell('interrupt'),
    reply: async (id, reply, options = {}) =>
      (
        await client.POST('/api/v1/jobs/{id}/reply', {
          params: { path: { id } },
          body: reply,
          ...idempotency(options),
        })
      ).data!,
    approve: async (id, verdict, options = {}) =>
      (
        await client.POST('/api/v1/jobs/{id}/approve', {
          params: { path: { id } },
          body: verdict,
          ...idempotency(options),
        })
      ).data!,
    approvals: async (id, { signal } = {}) =>
      (await client.GET('/api/v1/jobs/{id}/approvals', { params: { path: { id } }, signal })).data!.data,
    events,
    follow: (id, options = {}) =>
      followEvents(
        {
          open: (after, signal) => openStream(id, after, signal),
          hasEventsAfter: async (seq, signal) =>
            (await loadEvents(id, seq, { signal, limit: 1 })).data.length > 0,
        },
        options,
      ),
    diff: async (id, { signal, attempt } = {}) => {
      const query = attempt === undefined ? {} : { attempt }
      return (await client.GET('/api/v1/jobs/{id}/diff', { params: { path: { id }, query }, signal })).data!
    },
    attempts: async (id, { signal } = {}) =>
      (await client.GET('/api/v1/jobs/{id}/attempts', { params: { path: { id } }, signal })).data!.data,
    log: async (id, { signal } = {}) => {
      const { data } = await client.GET('/api/v1/jobs/{id}/log', {
        params: { path: { id } },
        headers: { accept: 'text/plain' },
        parseAs: 'text',
        signal,
      })
      return data ?? ''
    },
  }
}
