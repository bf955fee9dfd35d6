// flowforge key create NAME: the key alone goes to stdout, so that `KEY=$(flowforge key create ci)` works.
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { plainLine } from '../../output/plain-text.ts'

export const command = defineCommand<object, { name: string }>({
  describe: command => command.argument('<name>', 'what the key is for'),
  parse: ([name]) => ({ name: name! }),
  run: async ({ name }, context) => {
    const { flowforge } = await context.connect()
    const created = await flowforge.apiKeys.create({ name })
    if (context.output.json) {
      context.output.value(created)
      return EXIT.success
    }
    context.output.message(`API key "${plainLine(created.name)}", shown this once:`)
    context.output.line(plainLine(created.key))
    return EXIT.success
  },
})
