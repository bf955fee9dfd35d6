// The jobs of a chaos run: what each does, and in which state it must end whoever is killed meanwhile. Submitted as a
// careful program would: one Idempotency-Key each, again until there is an answer.
import { setTimeout as delay } from 'node:timers/promises'
import type { JobState } from '@flowforge/protocol'
import type { Installation } from '../../e2e/faults/processes.ts'
import type { Chance } from './chance.ts'

export interface PlannedJob {
  key: string
  task: string
  /** Absent: this job is cancelled by a person while it runs, who may come too late. */
  ends?: JobState
  timeoutSeconds?: number
}

export interface SubmittedJob extends PlannedJob {
  id: string
}

/** Of ten jobs five push a commit; the others do each of the things that a job can do. */
export function planDummyJobs(count: number, chance: Chance): PlannedJob[] {
  const seconds = () => chance.between(0.5, 4).toFixed(1)
  const kinds: Array<() => Omit<PlannedJob, 'key'>> = [
    ...Array.from({ length: 10 }, () => () => ({
      task: `[dummy: push ${seconds()}]`,
      ends: 'succeeded' as const,
    })),
    ...Array.from({ length: 4 }, () => () => ({
      task: `[dummy: work ${seconds()}]`,
      ends: 'succeeded' as const,
    })),
    () => ({ task: '[dummy: succeed]', ends: 'succeeded' }),
    () => ({ task: '[dummy: flood 500]', ends: 'succeeded' }),
    () => ({ task: '[dummy: exit-once 3]', ends: 'succeeded' }),
    () => ({ task: '[dummy: fail agent_error]', ends: 'failed' }),
    () => ({ task: '[dummy: oom]', ends: 'failed' }),
    () => ({ task: '[dummy: hang]', ends: 'failed', timeoutSeconds: 10 }),
    () => ({ task: '[dummy: linger]', timeoutSeconds: 60 }),
  ]
  return Array.from({ length: count }, (_, index) => ({
    key: `dummy-${index}`,
    ...kinds[index % kinds.length]!(),
  }))
}

/** Real Claude Code in real containers, with a scripted model: some seconds of work, then a commit. */
export const planDockerJobs = (count: number): PlannedJob[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `docker-${index}`,
    task: `Count [scenario: run-script]\n\`\`\`sh\nfor i in $(seq 6); do echo $i; sleep 0.5; done; echo ${index} > counted.txt\n\`\`\``,
    ends: 'succeeded',
  }))

const AGAIN_MS = 200

export async function submit(
  installation: Installation,
  repositoryId: string,
  { task, key, timeoutSeconds }: PlannedJob,
): Promise<string> {
  const { id } = await ask<{ id: string }>(installation, 'POST', '/api/v1/jobs', {
    body: { repositoryId, task, timeoutSeconds },
    key,
  })
  return id
}

/** Until it is done, or was done before. */
export const cancel = (installation: Installation, id: string): Promise<unknown> =>
  ask(installation, 'POST', `/api/v1/jobs/${id}/cancel`, { done: [409] })

/** Asks until there is an answer: a server that was killed is soon there again. */
export async function ask<Body>(
  { url, token }: Installation,
  method: 'GET' | 'POST',
  path: string,
  { body, key, done = [] }: { body?: object; key?: string; done?: number[] } = {},
): Promise<Body> {
  for (;;) {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && { 'content-type': 'application/json' }),
        ...(key && { 'idempotency-key': key }),
      },
      body: body && JSON.stringify(body),
    })
      .then(async response => ({ status: response.status, body: (await response.json()) as Body }))
      .catch(() => undefined)
    if (answer && (answer.status < 300 || done.includes(answer.status))) return answer.body
    if (answer && answer.status < 500 && answer.status !== 429)
      throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    await delay(AGAIN_MS)
  }
}
