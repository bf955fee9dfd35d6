// Periodic work that concerns the whole installation. Every worker has a sweeper; one of them leads and does the work, the
// others stand by. Each task goes at its own pace, so that one that fails or hangs keeps no other waiting.
import type { Logger } from 'pino'
import type { LeaderLock } from '../store/leader-lock.ts'
import { startLoop } from './loop.ts'

export interface SweepTask {
  name: string
  everyMs: number
  /**
   * Must do no harm beside a second run elsewhere: a leader that was frozen learns only when it goes on that another one
   * leads. `signal` is aborted when this process leads no longer.
   */
  run(signal: AbortSignal): Promise<void>
  /** A run that takes longer is given up on and another one started. Absent: as long as it takes. */
  limitMs?: number
}

export interface Sweeper {
  leads(): boolean
  /** Waits for the runs that are under way, at most `STOP_LIMIT_MS`, then leaves the lead to another worker. */
  stop(): Promise<void>
}

export interface SweeperOptions {
  lock: LeaderLock
  tasks: SweepTask[]
  /** How often to ask who leads: three times within the silence that costs the lead. */
  askMs: number
  log: Logger
}

const STOP_LIMIT_MS = 5_000

export function startSweeper({ lock, tasks, askMs, log }: SweeperOptions): Sweeper {
  const stopping = new AbortController()
  let lead: AbortController | null = null
  /** Runs that go on after the lead was lost: the next lead does not start the same task beside them. */
  const unfinished = new Map<string, Promise<void>>()

  const begin = (): void => {
    const mine = new AbortController()
    lead = mine
    for (const task of tasks) {
      const before = unfinished.get(task.name) ?? Promise.resolve()
      const rounds = before.then(() => startTask(task, mine.signal, log))
      unfinished.set(task.name, rounds)
    }
  }
  const end = (): void => {
    lead?.abort()
    lead = null
  }

  const ask = async (): Promise<void> => {
    const leads = await lock.hold().catch(error => {
      if (!stopping.signal.aborted) log.warn({ err: error }, 'who sweeps is not known; asked again shortly')
      return false
    })
    if (stopping.signal.aborted) return
    if (leads && !lead) {
      log.info('this worker sweeps for all')
      begin()
    } else if (!leads && lead) {
      log.warn('another worker sweeps from now on')
      end()
    }
  }
  const asking = startLoop(ask, askMs, stopping.signal, log, 'asking who sweeps')

  return {
    leads: () => lead !== null,
    stop: async () => {
      stopping.abort()
      end()
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(late.resolve, STOP_LIMIT_MS)
      await Promise.race([Promise.all([asking.done, ...unfinished.values()]), late.promise])
      clearTimeout(timer)
      await lock.release()
    },
  }
}

const startTask = (task: SweepTask, signal: AbortSignal, log: Logger): Promise<void> =>
  startLoop(() => runWithin(task, signal, log), task.everyMs, signal, log, `sweep ${task.name}`).done

/** Ends with the run, or at its limit without it. */
async function runWithin({ name, run, limitMs }: SweepTask, signal: AbortSignal, log: Logger): Promise<void> {
  if (limitMs === undefined) return run(signal)
  const limit = new AbortController()
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    log.error({ task: name, limitMs }, 'a sweep takes too long and is given up on; it is started again')
    limit.abort()
    late.resolve()
  }, limitMs)
  const running = run(AbortSignal.any([signal, limit.signal]))
  // What a run that was given up on ends with tells nobody anything.
  running.catch(() => {})
  try {
    await Promise.race([running, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
