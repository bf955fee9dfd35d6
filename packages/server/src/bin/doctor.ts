// `flowforge doctor` where no server runs: looks at this machine with the same checks. `--json` is its only form; the CLI prints it.
import { pino } from 'pino'
import { readConfig } from '../config.ts'
import type { CheckResult } from '../doctor/check-result.ts'
import { createChecks } from './checks.ts'
import { createExecutor } from './executor.ts'
import { layFoundation } from './foundation.ts'
import { explain } from './lifecycle.ts'

async function check(): Promise<CheckResult[]> {
  const config = readConfig(process.env)
  const foundation = await layFoundation(config, pino({ level: 'silent' }))
  try {
    const { executor } = await createExecutor(foundation)
    const look = createChecks(foundation, executor)
    return await look()
  } finally {
    await foundation.close()
  }
}

try {
  process.stdout.write(`${JSON.stringify({ checks: await check() })}\n`)
  process.exit(0)
} catch (error) {
  process.exit(explain(error))
}
