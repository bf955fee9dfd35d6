// `flowforge up`: server, worker and console in one process, on embedded defaults.
import type { Logger } from 'pino'
import {
  createSignUpLink,
  ensureDefaultOrganization,
  ensureKey,
  ensureLocalKey,
} from '../auth/first-start.ts'
import type { Config } from '../config.ts'
import { createChecks } from './checks.ts'
import { type Foundation, layFoundation, startOn } from './foundation.ts'
import { type Running, runProcess } from './lifecycle.ts'
import { createServerRole } from './server-role.ts'
import { sayWhatGoesOn } from './way-out.ts'
import { createWorkerRole } from './worker-role.ts'

/** For requests that are under way when the jobs have taken the whole time. */
const MIN_CLOSE_MS = 2_000

async function start(config: Config, log: Logger): Promise<Running> {
  const foundation = await layFoundation(config, log)
  return startOn(foundation, () => startRoles(foundation))
}

async function startRoles(foundation: Foundation): Promise<Running> {
  const { config } = foundation
  const owner = await ensureDefaultOrganization(foundation.database)
  if (config.bootstrapToken) await ensureKey(foundation.database, owner, config.bootstrapToken, 'Bootstrap')
  const local = await ensureLocalKey(foundation.database, owner, config.dataDirectory)
  const worker = await createWorkerRole(foundation)
  const doctor = createChecks(foundation, worker.executor)
  const server = await createServerRole(foundation, doctor)
  await server.listen()
  await worker.start()
  if (local.isNew)
    process.stdout.write(
      `Sign in for the first time: ${await createSignUpLink(foundation.database, owner, config.publicUrl)}\n`,
    )
  process.stdout.write(`FlowForge is ready at ${config.publicUrl}\n`)
  return {
    stop: async drainMs => {
      server.beginClosing()
      const startedAtMs = performance.now()
      sayWhatGoesOn(await worker.drain(drainMs))
      await server.close(Math.max(MIN_CLOSE_MS, drainMs - (performance.now() - startedAtMs)))
      await foundation.close()
    },
  }
}

await runProcess(start)
