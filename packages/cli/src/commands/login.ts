// flowforge login: checks an API key and remembers it for its server.
import { defineCommand } from '../command.ts'
import { type Config, readConfig, writeConfig } from '../connection/config-file.ts'
import { parseServerUrl, type ServerAddress } from '../connection/server-address.ts'
import { checkToken } from '../connection/token.ts'
import type { Context, GlobalFlags } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { CliFailure, usageError } from '../failure.ts'
import { plainLine } from '../output/plain-text.ts'

export const command = defineCommand<GlobalFlags, { tokenStdin: boolean; askUrl: boolean }>({
  describe: command =>
    command.addHelpText(
      'after',
      '\nWithout a terminal: printenv KEY | flowforge login --url https://flowforge.example.org --token-stdin',
    ),
  parse: (_args, flags) => ({ tokenStdin: flags.tokenStdin === true, askUrl: flags.url === undefined }),
  run: async ({ tokenStdin, askUrl }, context) => {
    if (!tokenStdin && !context.stdinIsTerminal) {
      throw usageError('There is no terminal to ask on.', 'Give the API key on stdin with --token-stdin.')
    }
    const { server, token } = tokenStdin
      ? { server: await context.server(), token: checkToken(await context.readStdin()) }
      : await ask(await context.server(), askUrl)
    const { flowforge } = await context.connectWith(server, token)
    const me = await flowforge.me()
    await remember(context, server, token)
    if (context.output.json) context.output.value({ url: server.url, ...me })
    else {
      const who = me.user?.name ?? `an API key of ${me.organization.name}`
      context.output.line(`Signed in to ${server.url} as ${plainLine(who)}.`)
      if (server.url.startsWith('http:') && !server.isLoopback) {
        context.output.message('This address is not encrypted: whoever listens on the way can read the key.')
      }
    }
    return EXIT.success
  },
})

async function ask(
  current: ServerAddress,
  askUrl: boolean,
): Promise<{ server: ServerAddress; token: string }> {
  const prompts = await import('@clack/prompts')
  // Stdout is for results.
  const output = process.stderr
  const answer = async (prompt: Promise<string | symbol>): Promise<string> => {
    const value = await prompt
    if (prompts.isCancel(value)) throw new CliFailure('Nothing was changed.', { exitCode: EXIT.cancelled })
    return value as string
  }
  const server = askUrl
    ? parseServerUrl(
        await answer(prompts.text({ message: 'Address of the server', initialValue: current.url, output })),
      )
    : current
  const message = `API key (create one at ${server.url}, or with: flowforge key create)`
  return { server, token: checkToken(await answer(prompts.password({ message, output }))) }
}

async function remember(context: Context, server: ServerAddress, token: string): Promise<void> {
  const config: Config = await readConfig(context.configPath)
  await writeConfig(context.configPath, {
    url: server.url,
    tokens: { ...config.tokens, [server.url]: token },
  })
}
