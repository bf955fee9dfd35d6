// One chaos run: installations with jobs under way, a killer, and what is found when all is over.
import { setTimeout as delay } from 'node:timers/promises'
import { createInstallation, type Installation } from '../../e2e/faults/processes.ts'
import { startUpstream, type Upstream, type UpstreamRepository } from '../../e2e/faults/upstream.ts'
import { createChance } from './chance.ts'
import { check, type Findings } from './checks.ts'
import { cancel, type PlannedJob, planDockerJobs, planDummyJobs, type SubmittedJob, submit } from './jobs.ts'
import { type Kill, killAtRandom, type Victim } from './killer.ts'

export interface ChaosOptions {
  seed: number
  kills: number
  dummyJobs: number
  dockerJobs: number
  tell: (line: string) => void
}

export interface ChaosResult {
  seed: number
  kills: Kill[]
  seconds: number
  findings: Record<string, Findings>
}

interface Stage {
  name: 'dummy' | 'docker'
  installation: Installation
  upstream: Upstream
  repository: UpstreamRepository
  jobs: PlannedJob[]
  victims: Victim[]
}

/** After the last kill; a hung job needs its own limit, a lost one two leases and a turn. */
const PATIENCE_MS = 150_000
const POLL_MS = 500

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const chance = createChance(options.seed)
  const stages: Stage[] = []
  try {
    if (options.dummyJobs > 0)
      stages.push(
        await setUp('dummy', planDummyJobs(options.dummyJobs, chance), { workers: 2, concurrency: 6 }),
      )
    if (options.dockerJobs > 0)
      stages.push(await setUp('docker', planDockerJobs(options.dockerJobs), { workers: 1, concurrency: 2 }))
    const began = performance.now()
    const submitting = stages.map(submitAll)
    const kills = await killAtRandom(
      stages.flatMap(({ victims }) => victims),
      options.kills,
      chance,
      kill => options.tell(tellKill(kill)),
    )
    const submitted = await Promise.all(submitting)
    await untilAllEnded(stages, options.tell)
    const seconds = (performance.now() - began) / 1000
    const findings: Record<string, Findings> = {}
    for (const [index, { name, installation, repository }] of stages.entries())
      findings[name] = await check(installation, repository, submitted[index]!)
    return { seed: options.seed, kills, seconds, findings }
  } finally {
    for (const { upstream, installation } of stages) {
      await upstream.close()
      await installation.stop()
    }
  }
}

const tellKill = ({ number, victim, atSeconds, awaySeconds }: Kill): string =>
  `kill ${String(number).padStart(2)}  ${atSeconds.toFixed(1).padStart(6)} s  ${victim.padEnd(18)} away ${awaySeconds.toFixed(1)} s`

async function setUp(
  name: Stage['name'],
  jobs: PlannedJob[],
  { workers, concurrency }: { workers: number; concurrency: number },
): Promise<Stage> {
  const installation = await createInstallation({
    environment: { FLOWFORGE_EXECUTOR: name, FLOWFORGE_CONCURRENCY: String(concurrency) },
  })
  const server: Victim = { name: `${name} server`, start: () => installation.startServer() }
  // A repository can be made when a server runs; the killer starts its own.
  const first = await server.start()
  const upstream = await startUpstream(installation)
  const repository = await upstream.repository('chaos')
  await first.stop()
  const worker = (number: number): Victim => ({
    name: `${name} worker ${number}`,
    start: () => installation.startWorker(),
  })
  const victims = [server, ...Array.from({ length: workers }, (_, index) => worker(index + 1))]
  return { name, installation, upstream, repository, jobs, victims }
}

/** Several at once, in the order of the plan; those without an end of their own are cancelled soon after they start. */
async function submitAll({ installation, repository, jobs }: Stage): Promise<SubmittedJob[]> {
  const submitted: SubmittedJob[] = []
  const left = [...jobs]
  const submitNext = async (): Promise<void> => {
    for (let planned = left.shift(); planned; planned = left.shift()) {
      const id = await submit(installation, repository.id, planned)
      submitted.push({ ...planned, id })
      if (planned.ends === undefined) await cancel(installation, id)
    }
  }
  await Promise.all(Array.from({ length: 4 }, submitNext))
  return submitted
}

async function untilAllEnded(stages: Stage[], tell: (line: string) => void): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  const unfinished = async ({ installation }: Stage): Promise<number> =>
    (
      await installation.postgres.query<{ count: number }>(
        "select count(*)::int as count from jobs where state in ('pending', 'queued', 'running', 'waiting')",
      )
    )[0]!.count
  for (;;) {
    const counts = await Promise.all(stages.map(unfinished))
    if (counts.every(count => count === 0)) return
    if (performance.now() > deadline) return tell(`still unfinished: ${counts.join(', ')}`)
    await delay(POLL_MS)
  }
}

export const problemsOf = (findings: Findings): string[] => {
  const { lost, doubled, unexpected, unsound, doublePushes, rows, orphans } = findings
  return [...lost, ...doubled, ...unexpected, ...unsound, ...doublePushes, ...rows, ...orphans]
}
