// The doors of attempts: one socket or port per container, behind which runner API, Claude, Git and egress are served
// to that attempt alone. A door may stand before its attempt has a job: then only the wait for an order is served.
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SettleReport, WorkOrder } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'
import type { GatewayPlace } from '../executors/port.ts'
import { letsGo } from '../jobs/hold.ts'
import type { AttemptDoor, AttemptGateway, DoorReports } from '../jobs/ports.ts'
import type { Phase } from '../store/attempts.ts'
import { type Activity, createActivity } from './activity.ts'
import type { GatewayAttempt } from './attempt.ts'
import type {
  AttemptServerOptions,
  GatewayHandler,
  GatewayHandlers,
  GatewayLog,
  OnDenied,
} from './attempt-server.ts'
import { openAttemptListener, openAttemptSocket } from './attempt-socket.ts'
import { refuse, refuseTunnel } from './refusal.ts'
import { createRunnerApi, type RunnerRecords } from './runner-api.ts'

export interface DoorsOptions {
  /** Short, and closed to others: a socket's path has at most 107 bytes. */
  directory: string
  /** For containers that can't have a socket: where to listen, and what they call that. */
  network?: () => Promise<{ address: string; name: string }>
  tokenOf: (attemptId: string, phase: Phase) => string
  records: (reports: DoorReports) => RunnerRecords
  handlers: Omit<GatewayHandlers, 'runner'>
  onDenied: OnDenied
  log: GatewayLog
}

export interface Doors extends AttemptGateway {
  /** What an attempt behind a door reported of Claude's refusals. */
  reportsOf(attempt: GatewayAttempt): DoorReports | undefined
}

interface Admission {
  order: WorkOrder
  reports: DoorReports
}

const NOT_ADMITTED = { status: 403, code: 'lease_lost', message: 'This container has no job yet.' } as const

export function createDoors(options: DoorsOptions): Doors {
  const admissions = new WeakMap<GatewayAttempt, Admission>()

  return {
    reportsOf: attempt => admissions.get(attempt)?.reports,
    open: async (attemptId, phase): Promise<AttemptDoor> => {
      const ended = new AbortController()
      const attempt = withoutJob(attemptId, phase, options.tokenOf(attemptId, phase), ended.signal)
      const admitted = Promise.withResolvers<Admission>()
      const activity = createActivity()
      const runner = createRunnerApi({
        records: recordsOf(admissions, activity, options),
        orderOf: async (_attempt, waitMs) =>
          (await withinTime(admitted.promise, waitMs, ended.signal))?.order,
        settled: (settling: GatewayAttempt, report: SettleReport) =>
          admissions.get(settling)?.reports.settled(report),
      })
      const served: Served = {
        directory: join(options.directory, directoryName(attemptId, phase)),
        attempt,
        handlers: { runner, ...onlyAdmitted(options.handlers, admissions, activity) },
        onDenied: (of, denial) => admissions.has(of) && options.onDenied(of, denial),
        log: options.log,
      }
      const { place, close, remove } = options.network
        ? await openOnNetwork(served, await options.network())
        : await openSocket(served)
      return {
        attemptId,
        place,
        token: attempt.token,
        activity: activity.value,
        admit: (known, order, reports) => {
          // The server behind the socket knows this very object; the token and the end of the door stay what they are.
          Object.assign(attempt, known, { token: attempt.token, signal: ended.signal })
          const end = () => {
            // A runner that goes on with another worker must not hear from here that its lease is lost: it would end.
            if (letsGo(known.signal)) void close()
            ended.abort(known.signal.reason)
          }
          known.signal.addEventListener('abort', end, { once: true })
          if (known.signal.aborted) end()
          const admission = { order, reports }
          admissions.set(attempt, admission)
          admitted.resolve(admission)
        },
        close,
        remove,
      }
    },
    discard: (attemptId, phase) =>
      rm(join(options.directory, directoryName(attemptId, phase)), { recursive: true, force: true }),
  }
}

interface Opened {
  place: GatewayPlace
  close(): Promise<void>
  remove(): Promise<void>
}

type Served = AttemptServerOptions & { directory: string }

const openSocket = async (served: Served): Promise<Opened> => {
  const { directory, close, remove } = await openAttemptSocket(served)
  return { place: { kind: 'socket', directory }, close, remove }
}

const openOnNetwork = async (served: Served, host: { address: string; name: string }): Promise<Opened> => {
  const { port, close, remove } = await openAttemptListener({ ...served, host: host.address })
  return { place: { kind: 'network', host: host.name, port }, close, remove }
}

const withoutJob = (attemptId: string, phase: Phase, token: string, signal: AbortSignal): GatewayAttempt => ({
  attemptId,
  jobId: '',
  organizationId: '',
  repositoryId: '',
  number: 0,
  phase,
  token,
  branch: '',
  baseCommit: '',
  allowedModels: [],
  egressAllow: [],
  signal,
})

/** Ten characters keep the path short; two attempts of one worker do not meet in them. */
const directoryName = (attemptId: string, phase: Phase): string =>
  createHash('sha256').update(`${attemptId}/${phase}`).digest('hex').slice(0, 16)

function recordsOf(
  admissions: WeakMap<GatewayAttempt, Admission>,
  activity: Activity,
  options: DoorsOptions,
): RunnerRecords {
  const of = (attempt: GatewayAttempt): RunnerRecords => {
    const admission = admissions.get(attempt)
    admission?.reports.heard()
    if (admission && attempt.phase === 'rescue') return RESCUE
    return admission ? options.records(admission.reports) : NOBODY
  }
  /** All but the asking for commands. */
  const told = (attempt: GatewayAttempt): RunnerRecords => {
    activity.sign()
    return of(attempt)
  }
  return {
    bindNonce: (attempt, nonce) => told(attempt).bindNonce(attempt, nonce),
    appendEvents: (attempt, batch) => told(attempt).appendEvents(attempt, batch),
    sendDeltas: (attempt, batch) => told(attempt).sendDeltas(attempt, batch),
    commandsAfter: (attempt, after, waitMs) => of(attempt).commandsAfter(attempt, after, waitMs),
    saveReport: (attempt, report) => told(attempt).saveReport(attempt, report),
    saveSession: (attempt, upload) => told(attempt).saveSession(attempt, upload),
    openSession: attempt => told(attempt).openSession(attempt),
  }
}

/** Of a rescue only what it pushes counts; and its attempt may have ended, so that nothing can be written in its name. */
const RESCUE: RunnerRecords = {
  bindNonce: async (_attempt, nonce) => nonce,
  appendEvents: async (_attempt, { firstSourceSeq, events }) => ({
    acceptedThrough: firstSourceSeq + events.length - 1,
  }),
  sendDeltas: () => {},
  commandsAfter: async (attempt, _after, waitMs) => {
    await delay(waitMs, undefined, { signal: attempt.signal }).catch(() => {})
    return []
  },
  saveReport: async () => {},
  saveSession: async () => refuseRecord(),
  openSession: async () => refuseRecord(),
}

/** A runner without a job has nothing to tell. */
const refuseRecord = async (): Promise<never> => {
  throw new FlowForgeError('lease_lost', NOT_ADMITTED.message)
}
const NOBODY: RunnerRecords = {
  bindNonce: refuseRecord,
  appendEvents: refuseRecord,
  sendDeltas: () => {},
  commandsAfter: refuseRecord,
  saveReport: refuseRecord,
  saveSession: refuseRecord,
  openSession: refuseRecord,
}

function onlyAdmitted(
  handlers: DoorsOptions['handlers'],
  admissions: WeakMap<GatewayAttempt, Admission>,
  activity: Activity,
): DoorsOptions['handlers'] {
  const guard =
    (protocol: 'claude' | 'git', handler: GatewayHandler): GatewayHandler =>
    (req, res, attempt, rest) => {
      activity.during(req.socket, res)
      return admissions.has(attempt) ? handler(req, res, attempt, rest) : refuse(res, protocol, NOT_ADMITTED)
    }
  return {
    claude: guard('claude', handlers.claude),
    git: guard('git', handlers.git),
    egress: {
      connect: (req, socket, head, attempt) => {
        activity.during(socket, socket)
        return admissions.has(attempt)
          ? handlers.egress.connect(req, socket, head, attempt)
          : refuseTunnel(socket, NOT_ADMITTED)
      },
      forward: (req, res, attempt) => {
        activity.during(req.socket, res)
        return admissions.has(attempt)
          ? handlers.egress.forward(req, res, attempt)
          : refuse(res, 'egress', NOT_ADMITTED)
      },
    },
  }
}

async function withinTime<T>(
  promise: Promise<T>,
  waitMs: number,
  signal: AbortSignal,
): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), waitMs)
  const stop = () => late.resolve(undefined)
  signal.addEventListener('abort', stop)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
