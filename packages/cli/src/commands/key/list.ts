// flowforge key list
import type { ApiKey } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { formatAge } from '../../output/format.ts'
import { plainLine } from '../../output/plain-text.ts'
import { printTable } from '../../output/table.ts'

export const command = defineCommand<object, object>({
  describe: () => {},
  parse: () => ({}),
  run: async (_options, context) => {
    const { flowforge } = await context.connect()
    const keys: ApiKey[] = []
    for await (const key of flowforge.apiKeys.list()) keys.push(key)
    const { output } = context
    if (output.json) output.value(keys)
    else if (keys.length === 0) output.message('No API keys. Create one with: flowforge key create NAME')
    else {
      printTable(
        output,
        [
          { title: 'ID', text: key => plainLine(key.id) },
          { title: 'NAME', text: key => plainLine(key.name), flexible: true },
          { title: 'STARTS WITH', text: key => plainLine(key.start) },
          { title: 'CREATED', text: key => formatAge(key.createdAt, context.nowMs()) },
        ],
        keys,
      )
    }
    return EXIT.success
  },
})
