// flowforge retention set [--events DAYS]… | --default: shows first what will go, and asks where someone can answer.
import type { KeepDays } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { CliFailure, usageError } from '../../failure.ts'
import {
  KEEP_OPTIONS,
  type KeepFlags,
  KINDS,
  parseKeepDays,
  printKeepDays,
  printPreview,
} from '../../work/keep-days.ts'

interface SetFlags extends KeepFlags {
  default?: boolean
  yes?: boolean
}

interface SetOptions {
  changes: Partial<KeepDays>
  toDefault: boolean
  ask: boolean
}

export const command = defineCommand<SetFlags, SetOptions>({
  describe: command =>
    KEEP_OPTIONS.reduce((described, [flags, text]) => described.option(flags, text), command)
      .option('--default', 'as the installation says')
      .option('-y, --yes', "don't ask"),
  parse: (_args, flags) => {
    const changes = parseKeepDays(flags)
    const toDefault = flags.default === true
    if (toDefault === Object.keys(changes).length > 0)
      throw usageError('Say how long to keep what.', 'For example: flowforge retention set --events 90')
    return { changes, toDefault, ask: !flags.yes }
  },
  run: async ({ changes, toDefault, ask }, context) => {
    const { flowforge } = await context.connect()
    const { output } = context
    const { keepDays, installation } = await flowforge.retention.get()
    const wanted = toDefault ? installation : { ...keepDays, ...changes }
    if (ask && context.stdinIsTerminal && output.isTerminal) {
      const preview = await flowforge.retention.preview(wanted)
      const goes = KINDS.some(kind => preview[kind].count > 0)
      if (goes) printPreview(output, preview)
      if (goes && !(await confirm()))
        throw new CliFailure('Nothing was changed.', { exitCode: EXIT.cancelled })
    }
    const set = toDefault ? await flowforge.retention.clear() : await flowforge.retention.set(wanted)
    if (output.json) output.value(set)
    else printKeepDays(output, set.keepDays)
    return EXIT.success
  },
})

async function confirm(): Promise<boolean> {
  const prompts = await import('@clack/prompts')
  return (
    (await prompts.confirm({
      message: 'This goes within the hour and can not be brought back. Set it?',
      initialValue: false,
    })) === true
  )
}
