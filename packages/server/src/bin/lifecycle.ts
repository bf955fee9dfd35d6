// How a process of FlowForge begins and ends: configuration, readiness, SIGTERM/SIGINT, exit codes, errors a person can use.
import type { Logger } from 'pino'
import { type Config, readConfig } from '../config.ts'
import { ERRORS, isFlowForgeError } from '../errors.ts'
import { createLog } from './foundation.ts'

/** On top of the drain: connections, Postgres. */
const STOP_GRACE_MS = 20_000

export interface Running {
  /** Ends everything in order; the process exits 0 afterwards. */
  stop(drainMs: number): Promise<void>
}

/** After the first signal everything is ended in order; a second one ends the process at once. */
export async function runProcess(start: (config: Config, log: Logger) => Promise<Running>): Promise<void> {
  try {
    const config = readConfig(process.env)
    const log = await createLog(config)
    process.on('uncaughtException', error => {
      log.fatal({ err: error }, 'FlowForge stops: an error that nobody expected')
      process.exit(1)
    })
    const stopSignal = nextSignal()
    const running = await start(config, log)
    const signal = await stopSignal
    log.info({ signal }, 'stopping')
    nextSignal().then(() => process.exit(130))
    const { drainSeconds } = config
    setTimeout(
      () => {
        log.fatal('FlowForge could not end in order and ends now; the next start finds what is left')
        process.exit(1)
      },
      drainSeconds * 1000 + STOP_GRACE_MS,
    ).unref()
    await running.stop(drainSeconds * 1000)
    process.exit(0)
  } catch (error) {
    process.exit(explain(error))
  }
}

const nextSignal = (): Promise<NodeJS.Signals> =>
  new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve)
  })

/** One sentence for what was expected, the whole error for what was not. Returns the exit code. */
export function explain(error: unknown): number {
  if (isFlowForgeError(error)) {
    process.stderr.write(`flowforge: ${error.message}\n`)
    return ERRORS[error.code].exitCode
  }
  process.stderr.write(
    `flowforge: an error that nobody expected: ${error instanceof Error ? error.stack : String(error)}\n`,
  )
  return 1
}
