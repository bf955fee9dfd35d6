// flowforge retention preview [--events DAYS]…: what would go now, with the settings that stand or with others. Deletes nothing.
import type { KeepDays } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { KEEP_OPTIONS, type KeepFlags, parseKeepDays, printPreview } from '../../work/keep-days.ts'

export const command = defineCommand<KeepFlags, Partial<KeepDays>>({
  describe: command =>
    KEEP_OPTIONS.reduce((described, [flags, text]) => described.option(flags, text), command),
  parse: (_args, flags) => parseKeepDays(flags),
  run: async (changes, context) => {
    const { flowforge } = await context.connect()
    const preview = await flowforge.retention.preview(changes)
    if (context.output.json) context.output.value(preview)
    else printPreview(context.output, preview)
    return EXIT.success
  },
})
