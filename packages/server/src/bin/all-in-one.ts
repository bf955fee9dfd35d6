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
import { createWorkerRole } from './worker-role.ts'

/** Longer than a drain takes in which nothing runs, shorter than what supervisors wait before they kill. */
const DRAIN_LIMIT_MS = 25_000

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
    stop: async () => {
      await worker.drain(DRAIN_LIMIT_MS)
      await server.close()
      await foundation.close()
    },
  }
}

await runProcess(start)
