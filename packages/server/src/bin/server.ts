// The server alone: for more than one machine. Needs DATABASE_URL, and at least one worker elsewhere.
import type { Logger } from 'pino'
import { ensureDefaultOrganization, ensureKey } from '../auth/first-start.ts'
import type { Config } from '../config.ts'
import { createChecks } from './checks.ts'
import { type Foundation, layFoundation, startOn } from './foundation.ts'
import { type Running, runProcess } from './lifecycle.ts'
import { createServerRole } from './server-role.ts'

async function start(config: Config, log: Logger): Promise<Running> {
  const foundation = await layFoundation(config, log)
  return startOn(foundation, () => startRoles(foundation))
}

async function startRoles(foundation: Foundation): Promise<Running> {
  const { config } = foundation
  const owner = await ensureDefaultOrganization(foundation.database)
  if (config.bootstrapToken) await ensureKey(foundation.database, owner, config.bootstrapToken, 'Bootstrap')
  const doctor = createChecks(foundation, null)
  const server = await createServerRole(foundation, doctor)
  await server.listen()
  process.stdout.write(`FlowForge is ready at ${config.publicUrl}\n`)
  return {
    stop: async drainMs => {
      await server.close(drainMs)
      await foundation.close()
    },
  }
}

await runProcess(start)
