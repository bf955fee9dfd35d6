// flowforge job list
import type { Job, JobState } from '@flowforge/sdk'
import { Option } from 'commander'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { waitsFor } from '../../live/stage-names.ts'
import { formatAge } from '../../output/format.ts'
import { plainLine } from '../../output/plain-text.ts'
import type { Tone } from '../../output/style.ts'
import { type Column, printTable } from '../../output/table.ts'
import { requireRepository } from '../../repositories.ts'
import { parsePositiveCount } from '../../values.ts'

const STATES: JobState[] = ['pending', 'queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled']

export interface ListOptions {
  state?: JobState
  repo?: string
  limit: number
}

export const command = defineCommand<ListOptions, ListOptions>({
  describe: command =>
    command
      .addOption(new Option('--state <state>', 'only jobs in this state').choices(STATES))
      .option('--repo <name>', 'only jobs of this repository')
      .option('--limit <count>', 'at most so many', parsePositiveCount, 30),
  parse: (_args, flags) => flags,
  run: async ({ state, repo, limit }, context) => {
    const { flowforge } = await context.connect()
    const repositoryId = repo === undefined ? undefined : (await requireRepository(flowforge, repo)).id
    const filter = { ...(state ? { state } : {}), ...(repositoryId ? { repositoryId } : {}) }
    const jobs: Job[] = []
    for await (const job of flowforge.jobs.list({ ...filter, limit: Math.min(limit, 100) })) {
      jobs.push(job)
      if (jobs.length === limit) break
    }
    if (context.output.json) context.output.value(jobs)
    else if (jobs.length === 0) context.output.message('No jobs. Submit one with: flowforge run "TASK"')
    else printTable(context.output, columns(context.nowMs()), jobs)
    return EXIT.success
  },
})

const columns = (nowMs: number): Column<Job>[] => [
  { title: 'JOB', text: job => `#${job.number}` },
  {
    title: 'STATE',
    text: job => (job.state === 'waiting' ? waitsFor(job.waitingFor) : job.state),
    tone: job => TONES[job.state],
  },
  { title: 'TASK', text: job => plainLine(job.task), flexible: true },
  { title: 'BRANCH', text: job => plainLine(job.branch) },
  { title: 'CREATED', text: job => formatAge(job.createdAt, nowMs) },
]

const TONES: Record<JobState, Tone> = {
  pending: 'dim',
  queued: 'dim',
  running: 'accent',
  waiting: 'warning',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'warning',
}
