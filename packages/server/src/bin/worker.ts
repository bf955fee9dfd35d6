// A worker alone: consumes the queue and hosts its containers' gateway. Needs the server's DATABASE_URL and master key.
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { type Foundation, layFoundation, startOn } from './foundation.ts'
import { type Running, runProcess } from './lifecycle.ts'
import { sayWhatGoesOn } from './way-out.ts'
import { createWorkerRole } from './worker-role.ts'

async function start(config: Config, log: Logger): Promise<Running> {
  const foundation = await layFoundation(config, log)
  return startOn(foundation, () => startRoles(foundation))
}

async function startRoles(foundation: Foundation): Promise<Running> {
  const worker = await createWorkerRole(foundation)
  await worker.start()
  process.stdout.write('FlowForge worker is ready\n')
  return {
    stop: async drainMs => {
      sayWhatGoesOn(await worker.drain(drainMs))
      await foundation.close()
    },
  }
}

await runProcess(start)
