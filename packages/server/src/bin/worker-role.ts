// The worker's part: executor, the gateway of its containers, and the loop that claims jobs. Any number of them may run.
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { GATEWAY_PATHS, type NewEvent } from '@flowforge/protocol'
import { v7 as uuidv7 } from 'uuid'
import { createEnvironmentKeys } from '../claude/keys.ts'
import { longestSilenceMs, patienceWithClaude } from '../claude/patience.ts'
import { findUpstreamKind } from '../claude/upstream-kind.ts'
import type { Executor } from '../executors/port.ts'
import type { GatewayAttempt } from '../gateway/attempt.ts'
import { createClaudeProxy } from '../gateway/claude.ts'
import type { ClaudeUsageEntry } from '../gateway/claude-ledger.ts'
import { createDoors } from '../gateway/doors.ts'
import { createEgressProxy } from '../gateway/egress.ts'
import { createGitGateway } from '../gateway/git.ts'
import { rescueRef } from '../git/refname.ts'
import { createGatewayRecords } from '../jobs/gateway-records.ts'
import { startLoop } from '../jobs/loop.ts'
import type { DoorReports } from '../jobs/ports.ts'
import { createRunnerRecords } from '../jobs/runner-records.ts'
import { createSpares } from '../jobs/spares.ts'
import { type Sweeper, startSweeper } from '../jobs/sweeper.ts'
import { type Drained, startWorker } from '../jobs/work.ts'
import { createWorkerRepositories } from '../repositories/worker-repositories.ts'
import { removeUnusedMirrors } from '../retention/mirrors.ts'
import { attemptToken } from '../secrets/attempt-token.ts'
import { readOrMakeSecret } from '../secrets/secret-file.ts'
import { createExecutor } from './executor.ts'
import type { Foundation } from './foundation.ts'
import { sweepTasks } from './sweep-tasks.ts'

export interface WorkerRole {
  executor: Executor
  start(): Promise<void>
  /** Stops claiming, hands running attempts over or waits for them up to the limit, ends spares. */
  drain(limitMs: number): Promise<Drained>
}

/** An engine that does not answer must not keep the sweep from the others. */
const FIRST_LOOK_MS = 5_000
const GIB = 1024 ** 3
/** A runner asks for its order within a second; a machine that is busy with many containers needs longer. */
const FIRST_CONTACT_MS = 60_000
const UNUSED_MIRRORS_MS = 60 * 60 * 1000
/** Who says nothing for a lease loses the lead; and a second at most without a leader is short beside any lease. */
const SWEEPER_ASKS_PER_LEASE = 5

export async function createWorkerRole(foundation: Foundation): Promise<WorkerRole> {
  const { config, database, log, events, sealing, mirrors } = foundation
  const { executor, image, gatewayHost, close } = await createExecutor(foundation)
  const records = createGatewayRecords({ database, events })
  // Nobody waits for these; while the database is away they are lost, and no more than they.
  const tell = (attempt: GatewayAttempt, event: NewEvent): void => {
    records
      .say(attempt, event)
      .catch(error => log.warn({ err: error, jobId: attempt.jobId }, 'a refusal could not be told'))
  }
  const git = createGitGateway({
    mirrors,
    quarantineDirectory: join(config.dataDirectory, 'git', 'quarantine'),
    onPush: (attempt, { commit, kind }) =>
      ({
        result: () => records.pushed(attempt, commit, epochOf(attempt)),
        work: () => records.keptWork(attempt, commit, epochOf(attempt)),
        rescue: () => records.rescued(attempt, commit, rescueRef(attempt.jobId, attempt.number)),
      })[kind](),
    onRefused: (attempt, refusal) => records.say(attempt, { type: 'git.push.refused', data: refusal }),
  })
  const claude = createClaudeProxy({
    keys: createEnvironmentKeys({
      apiKey: config.claude.apiKey ?? undefined,
      baseUrl: config.claude.baseUrl,
    }),
    ledger: { record: entry => recordUsage(entry) },
    limits: { idleTimeoutMs: longestSilenceMs(config.claude.patienceSeconds) },
    log,
    budget: {
      check: async attempt => {
        const verdict = await records.checkBudget(attempt)
        if (!verdict.allowed) doors.reportsOf(attempt)?.claudeTrouble('budget_exceeded', verdict.message)
        return verdict
      },
    },
    onDenied: (attempt, denial) => void records.say(attempt, { type: 'policy.denied', data: denial }),
    onUpstreamBusy: (attempt, retryAfterMs) => doors.reportsOf(attempt)?.claudeBusy(retryAfterMs),
    onUpstreamAuthFailure: attempt => doors.reportsOf(attempt)?.claudeTrouble('claude_auth', AUTH_TROUBLE),
  })
  const egress = createEgressProxy({
    trustedHosts: config.trustedHosts,
    log,
    onBlocked: (attempt, blocked) => tell(attempt, { type: 'egress.blocked', data: blocked }),
  })
  const tokenKey = sealing.derive('attempt-tokens')
  const doors = createDoors({
    directory: join(config.dataDirectory, 'doors'),
    network: gatewayHost,
    tokenOf: (attemptId, phase) => attemptToken(tokenKey, `${attemptId}/${phase}`),
    records: (reports: DoorReports) =>
      createRunnerRecords({ ...foundation, sendDelta: foundation.bus.sendDelta }, reports.epoch),
    handlers: {
      claude: claude.handle,
      git: (req, res, attempt, rest) => git.handle(req, res, attempt, belowRepository(rest)),
      egress,
    },
    onDenied: (attempt, denial) => tell(attempt, { type: 'policy.denied', data: denial }),
    log,
  })
  const epochOf = (attempt: GatewayAttempt): number => doors.reportsOf(attempt)?.epoch ?? 0
  const recordUsage = (entry: ClaudeUsageEntry) =>
    records.used(entry.attempt, {
      id: uuidv7(),
      model: entry.model,
      status: entry.status,
      inputTokens: entry.tokens.inputTokens,
      outputTokens: entry.tokens.outputTokens,
      cacheReadTokens: entry.tokens.cacheReadTokens,
      cacheWriteTokens: entry.tokens.cacheWrite5mTokens + entry.tokens.cacheWrite1hTokens,
      costUsd: entry.costUsd,
      scripted: entry.scripted,
      durationMs: Math.round(entry.durationMs),
      firstByteMs: entry.timeToFirstByteMs === undefined ? null : Math.round(entry.timeToFirstByteMs),
      upstreamRequestId: entry.requestId ?? null,
    })

  const environment = patienceWithClaude(config.claude.patienceSeconds)
  const limits = { image, environment, workspaceBytes: 10 * GIB, memoryBytes: 4 * GIB, cpus: 2 }
  const spares = createSpares({
    executor,
    gateway: doors,
    limits,
    count: executor.name === 'dummy' ? 0 : config.spareContainers,
    log,
  })
  const repositories = createWorkerRepositories({
    mirrors,
    sealing,
    release: attemptId => git.release(attemptId),
  })
  const context = {
    ...foundation,
    executor,
    gateway: doors,
    repositories,
    spares,
    firstContactMs: FIRST_CONTACT_MS,
    noProgressMs: config.noProgressSeconds * 1000,
  }
  let worker: Awaited<ReturnType<typeof startWorker>> | undefined
  let sweeper: Sweeper | undefined
  const stopping = new AbortController()
  return {
    executor,
    start: async () => {
      const [check, model] = await Promise.all([executor.check(), findUpstreamKind(config.claude.baseUrl)])
      for (const problem of check.problems) log.warn(problem)
      worker = await startWorker(context, {
        version: config.version,
        host: hostname(),
        concurrency: config.concurrency,
        leaseSeconds: config.leaseSeconds,
        waitContainerSeconds: config.waitContainerSeconds,
        place: readOrMakeSecret(join(config.dataDirectory, 'place-id'), uuidv7).secret,
        facts: { ...check.facts, model },
      })
      // What this worker can take over, however late it comes, is not for the sweep to give up as lost.
      await Promise.race([worker.lookedAround, delay(FIRST_LOOK_MS, undefined, { ref: false })])
      sweeper = startSweeper({
        lock: foundation.sweeperLock,
        tasks: sweepTasks(foundation),
        askMs: (config.leaseSeconds * 1000) / SWEEPER_ASKS_PER_LEASE,
        log,
      })
      const mirrorContext = { ...foundation, installation: config.keepDays }
      const removeMirrors = async () => void (await removeUnusedMirrors(mirrorContext))
      startLoop(removeMirrors, UNUSED_MIRRORS_MS, stopping.signal, log, 'removing unused mirrors')
    },
    drain: async limitMs => {
      stopping.abort()
      const drained = await worker?.drain(limitMs)
      await sweeper?.stop()
      await claude.close()
      await close?.()
      return drained ?? { handedOver: 0, givenBack: 0 }
    },
  }
}

const AUTH_TROUBLE = 'The Claude API refused the key of this installation, or no key is set.'

/** The one repository that a container knows by a name. What lies outside of it is nothing Git asks for: 404. */
const belowRepository = (rest: string): string => {
  const prefix = GATEWAY_PATHS.git.slice('/git'.length)
  return rest.startsWith(`${prefix}/`) ? rest.slice(prefix.length) : '/'
}
