// Which key is sent: from stdin, FLOWFORGE_TOKEN, the sign-in at this very server, or the one that a server on this
// machine left for its owner. Never from argv, and never one server's key to another.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { usageError } from '../failure.ts'
import type { Config } from './config-file.ts'
import type { ServerAddress } from './server-address.ts'

export interface TokenSources {
  server: ServerAddress
  /** Reads all of stdin; undefined without --token-stdin. */
  readStdin: (() => Promise<string>) | undefined
  environment: Record<string, string | undefined>
  config: Config
  dataDirectory: string
}

export async function chooseToken(sources: TokenSources): Promise<string | undefined> {
  if (sources.readStdin) return checkToken(await sources.readStdin())
  const variable = sources.environment.FLOWFORGE_TOKEN
  if (variable) return checkToken(variable)
  const remembered = sources.config.tokens[sources.server.url]
  if (remembered) return remembered
  if (!sources.server.isLoopback) return undefined
  // Written by `flowforge up`, readable by the user who runs it: no sign-in needed on one's own machine.
  return (
    (await readFile(join(sources.dataDirectory, 'cli-token'), 'utf8').catch(() => '')).trim() || undefined
  )
}

export function checkToken(text: string): string {
  const token = text.trim()
  if (token === '')
    throw usageError('The API key is empty.', 'Create one in the console or with: flowforge key create')
  if (!/^[\x21-\x7e]+$/.test(token)) throw usageError('The API key holds characters that no key has.')
  return token
}

export const dataDirectory = (
  environment: Record<string, string | undefined>,
  home: string,
  isRoot: boolean,
): string => environment.FLOWFORGE_DATA_DIR || (isRoot ? '/var/lib/flowforge' : join(home, '.flowforge'))
