// flowforge whoami
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { plainLine } from '../output/plain-text.ts'

export const command = defineCommand<object, object>({
  describe: () => {},
  parse: () => ({}),
  run: async (_options, context) => {
    const { flowforge, url } = await context.connect()
    const me = await flowforge.me()
    if (context.output.json) {
      context.output.value({ url, ...me })
      return EXIT.success
    }
    const who = me.user ? `${plainLine(me.user.name)} <${plainLine(me.user.email)}>` : 'An API key'
    context.output.line(`${who}, ${plainLine(me.role)} of ${plainLine(me.organization.name)} at ${url}`)
    return EXIT.success
  },
})
