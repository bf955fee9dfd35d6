// flowforge doctor: asks the running server what is wrong; when none runs here, looks for itself.
import type { DoctorCheck } from '@flowforge/sdk'
import { execa } from 'execa'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { CliFailure, isConnectionError } from '../failure.ts'
import { plainLine } from '../output/plain-text.ts'
import { applyTone, type Tone } from '../output/style.ts'
import { DOCTOR } from '../server-entries.ts'

export const command = defineCommand<object, object>({
  describe: () => {},
  parse: () => ({}),
  run: async (_options, context) => {
    const checks = await examine(context)
    if (context.output.json) context.output.value({ checks })
    else printChecks(checks, context)
    return checks.some(check => check.status === 'problem') ? EXIT.failure : EXIT.success
  },
})

async function examine(context: Context): Promise<DoctorCheck[]> {
  const { flowforge, url, isLoopback } = await context.connect({ maxRetries: 0 })
  try {
    return await flowforge.doctor()
  } catch (error) {
    if (!isConnectionError(error) || !isLoopback) throw error
    context.output.message(`FlowForge is not running at ${url}; looking at this machine without it.`)
    return examineHere(context)
  }
}

async function examineHere(context: Context): Promise<DoctorCheck[]> {
  const { stdout, stderr } = await execa(process.execPath, [...process.execArgv, DOCTOR, '--json'], {
    cwd: context.cwd,
    reject: false,
    stdin: 'ignore',
  })
  try {
    return (JSON.parse(stdout) as { checks: DoctorCheck[] }).checks
  } catch (cause) {
    throw new CliFailure(
      `The check could not run: ${plainLine(stderr.slice(-500)) || 'it printed nothing'}`,
      { cause },
    )
  }
}

const MARKS: Record<DoctorCheck['status'], [mark: string, tone: Tone]> = {
  ok: ['✓', 'good'],
  warning: ['!', 'warning'],
  problem: ['✗', 'bad'],
}

function printChecks(checks: DoctorCheck[], { output }: Context): void {
  const width = Math.max(0, ...checks.map(check => plainLine(check.name).length))
  for (const { name, status, summary, next } of checks) {
    const [mark, tone] = MARKS[status]
    output.line(
      `${applyTone(output.style, tone, mark)} ${plainLine(name).padEnd(width)}  ${plainLine(summary)}`,
    )
    if (next && status !== 'ok') output.line(`${' '.repeat(width + 4)}${plainLine(next)}`)
  }
}
