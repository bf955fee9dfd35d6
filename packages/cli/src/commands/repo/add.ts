// flowforge repo add NAME URL: a repository that lives elsewhere. What opens it comes from stdin or a file, never argv.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Credential } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import type { Context } from '../../context.ts'
import { EXIT } from '../../exit-codes.ts'
import { CliFailure, usageError } from '../../failure.ts'
import { plainLine } from '../../output/plain-text.ts'

export interface AddFlags {
  defaultBranch?: string
  gitTokenStdin?: boolean
  gitUser?: string
  sshKey?: string
  tokenStdin?: boolean
}

export interface AddOptions {
  name: string
  url: string
  defaultBranch?: string
  credential: { from: 'none' } | { from: 'stdin'; username?: string } | { from: 'file'; path: string }
}

export const command = defineCommand<AddFlags, AddOptions>({
  describe: command =>
    command
      .argument('<name>', 'what to call it')
      .argument('<url>', 'its Git URL')
      .option('--default-branch <branch>', 'where jobs start when they name no base')
      .option('--git-token-stdin', "read the Git host's access token from stdin")
      .option('--git-user <name>', 'user name that goes with the token')
      .option('--ssh-key <file>', 'private key for an SSH URL'),
  parse: ([name, url], flags) => ({
    name: name!,
    url: checkUrl(url!),
    ...(flags.defaultBranch ? { defaultBranch: flags.defaultBranch } : {}),
    credential: parseCredential(flags),
  }),
  run: async ({ name, url, defaultBranch, credential }, context) => {
    const { flowforge } = await context.connect()
    const given = await readCredential(credential, context)
    const repository = await flowforge.repositories.create({
      name,
      url,
      ...(defaultBranch ? { defaultBranch } : {}),
      ...(given ? { credential: given } : {}),
    })
    if (context.output.json) context.output.value(repository)
    else
      context.output.line(
        `Added ${plainLine(repository.name)}. Run a task on it: flowforge run "TASK" --repo ${plainLine(repository.name)}`,
      )
    return EXIT.success
  },
})

/** A password in argv is seen by every process of the machine; FlowForge keeps credentials apart from URLs. */
function checkUrl(url: string): string {
  if (URL.canParse(url) && new URL(url).password !== '') {
    throw usageError('The URL holds a password.', 'Leave it out and give the token with --git-token-stdin.')
  }
  return url
}

function parseCredential(flags: AddFlags): AddOptions['credential'] {
  if (flags.gitTokenStdin && flags.sshKey) throw usageError('Give --git-token-stdin or --ssh-key, not both.')
  if (flags.gitTokenStdin && flags.tokenStdin) {
    throw usageError(
      'Stdin holds one secret: --token-stdin or --git-token-stdin.',
      'Set FLOWFORGE_TOKEN for the other.',
    )
  }
  if (flags.gitUser && !flags.gitTokenStdin) throw usageError('--git-user needs --git-token-stdin.')
  if (flags.gitTokenStdin) return { from: 'stdin', ...(flags.gitUser ? { username: flags.gitUser } : {}) }
  return flags.sshKey ? { from: 'file', path: flags.sshKey } : { from: 'none' }
}

async function readCredential(
  from: AddOptions['credential'],
  context: Context,
): Promise<Credential | undefined> {
  if (from.from === 'none') return undefined
  if (from.from === 'file') {
    const privateKey = await readFile(resolve(context.cwd, from.path), 'utf8').catch((cause: Error) => {
      throw new CliFailure(`${from.path} can not be read: ${cause.message}`, { cause })
    })
    return { type: 'ssh', privateKey }
  }
  const token = (await context.readStdin()).trim()
  if (token === '') throw usageError('The access token on stdin is empty.')
  return { type: 'token', token, ...(from.username ? { username: from.username } : {}) }
}
