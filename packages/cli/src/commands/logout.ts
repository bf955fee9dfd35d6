// flowforge logout: forgets a key on this machine. The key itself stays valid until it is revoked.
import { defineCommand } from '../command.ts'
import { readConfig, writeConfig } from '../connection/config-file.ts'
import { EXIT } from '../exit-codes.ts'

export const command = defineCommand<object, object>({
  describe: () => {},
  parse: () => ({}),
  run: async (_options, context) => {
    const server = await context.server()
    const { url, tokens } = await readConfig(context.configPath)
    const { [server.url]: forgotten, ...others } = tokens
    if (forgotten !== undefined) {
      await writeConfig(context.configPath, {
        ...(url !== undefined && url !== server.url ? { url } : {}),
        tokens: others,
      })
    }
    const { output } = context
    if (output.json) output.value({ url: server.url, forgotten: forgotten !== undefined })
    else if (forgotten === undefined) output.line(`You were not signed in to ${server.url}.`)
    else output.line(`Signed out of ${server.url}. To make the key worthless: flowforge key revoke`)
    return EXIT.success
  },
})
