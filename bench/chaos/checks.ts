// What must hold when a chaos run is over, whoever was killed: each finding is a sentence, and none is wanted.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Job, type JobEvent, TERMINAL_STATES } from '@flowforge/protocol'
import { type Installation, TWO_LEASES_MS } from '../../e2e/faults/processes.ts'
import type { UpstreamRepository } from '../../e2e/faults/upstream.ts'
import { containers } from '../../e2e/leftovers.ts'
import { createSurvivingDummyExecutor } from '../../packages/server/src/executors/dummy/surviving.ts'
import { ask, type SubmittedJob } from './jobs.ts'

export interface Findings {
  ended: Record<string, number>
  /** How many attempts the jobs took together. */
  attempts: number
  adopted: number
  /** Not in a state that is an end, or not there. */
  lost: string[]
  /** Two jobs of one submission. */
  doubled: string[]
  /** In another state than the one that the job leads to. */
  unexpected: string[]
  /** A gap, a duplicate, or not exactly one end. */
  unsound: string[]
  /** A branch that was moved twice, or is not where the job says. */
  doublePushes: string[]
  /** An attempt without an end, or two at a time. */
  rows: string[]
  orphans: string[]
}

const TERMINAL: readonly string[] = TERMINAL_STATES

export async function check(
  installation: Installation,
  repository: UpstreamRepository,
  submitted: SubmittedJob[],
): Promise<Findings> {
  const findings: Findings = {
    ...{ ended: {}, attempts: 0, adopted: 0, lost: [], doubled: [], unexpected: [] },
    ...{ unsound: [], doublePushes: [], rows: [], orphans: [] },
  }
  for (const planned of submitted) await checkJob(installation, repository, planned, findings)
  findings.doubled = await extraJobs(installation, submitted)
  findings.rows = await unsoundRows(installation)
  findings.orphans = await orphans(installation)
  return findings
}

async function checkJob(
  installation: Installation,
  repository: UpstreamRepository,
  planned: SubmittedJob,
  findings: Findings,
): Promise<void> {
  const job = await ask<Job>(installation, 'GET', `/api/v1/jobs/${planned.id}`)
  const events = await installation.events({ id: planned.id })
  const name = `${planned.key} (#${job.number}, ${planned.task.split('\n')[0]})`
  findings.ended[job.state] = (findings.ended[job.state] ?? 0) + 1
  findings.attempts += job.attempt
  findings.adopted += events.filter(event => event.type === 'attempt.adopted').length
  if (!TERMINAL.includes(job.state)) findings.lost.push(`${name} is ${job.state}, ${job.stage ?? 'no stage'}`)
  else if (planned.ends && job.state !== planned.ends)
    findings.unexpected.push(`${name} is ${job.state}: ${job.reason?.code} ${job.reason?.message}`)
  findings.unsound.push(...unsound(job, events).map(what => `${name}: ${what}`))
  const pushes = await repository.pushes(job.branch)
  if (pushes.length > 1 || (pushes[0] ?? job.headCommit) !== job.headCommit)
    findings.doublePushes.push(`${name}: ${job.headCommit}, pushed ${pushes.join(' ')}`)
  if (job.state === 'succeeded' && job.headCommit && pushes.length === 0)
    findings.unexpected.push(`${name} succeeded, and its commit is not at the upstream`)
}

function unsound(job: Job, events: JobEvent[]): string[] {
  const found: string[] = []
  if (events.some((event, index) => event.seq !== index + 1)) found.push('its story has a gap or a duplicate')
  const ends = events.filter(({ type }) => TERMINAL.some(state => type === `job.${state}`))
  if (ends.length !== 1 || ends[0]!.type !== `job.${job.state}`)
    found.push(
      `it is ${job.state}, and its story ends with ${ends.map(({ type }) => type).join(', ') || 'nothing'}`,
    )
  return found
}

async function extraJobs({ postgres }: Installation, submitted: SubmittedJob[]): Promise<string[]> {
  const rows = await postgres.query<{ number: number; task: string }>(
    'select number, task from jobs where id <> all($1::uuid[])',
    [submitted.map(({ id }) => id)],
  )
  return rows.map(({ number, task }) => `#${number} (${task}) is nobody's`)
}

async function unsoundRows({ postgres }: Installation): Promise<string[]> {
  const rows = await postgres.query<{ what: string }>(`
    select format('attempt %s of job %s has no end', a.number, j.number) as what
    from attempts a join jobs j on j.id = a.job_id
    where a.ended_at is null and j.state in ('succeeded', 'failed', 'cancelled')
    union all
    select format('attempts %s and %s of job %s ran at once', a.number, b.number, j.number)
    from attempts a join attempts b on b.job_id = a.job_id and b.number = a.number + 1 join jobs j on j.id = a.job_id
    where a.ended_at is null or a.ended_at > b.started_at`)
  return rows.map(({ what }) => what)
}

/** Two leases after the last job nothing of them may be left. */
async function orphans({ directory, dataDirectory }: Installation): Promise<string[]> {
  const deadline = performance.now() + TWO_LEASES_MS
  for (;;) {
    const left = [...(await containers(directory)), ...(await dummyContainers(dataDirectory))]
    if (left.length === 0 || performance.now() > deadline) return left
    await delay(250)
  }
}

async function dummyContainers(dataDirectory: string): Promise<string[]> {
  if (!existsSync(join(dataDirectory, 'dummy.sock'))) return []
  const executor = createSurvivingDummyExecutor({ directory: dataDirectory })
  const left = (await executor.list()).map(container => `dummy container ${container.id}`)
  await executor.close()
  return left
}
