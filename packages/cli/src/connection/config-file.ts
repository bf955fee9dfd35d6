// What `login` remembers: the server, and one key per server. Readable by its owner alone.
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliFailure } from '../failure.ts'

export interface Config {
  url?: string
  tokens: Record<string, string>
}

export const configPath = (environment: Record<string, string | undefined>, home: string): string =>
  join(environment.XDG_CONFIG_HOME || join(home, '.config'), 'flowforge', 'config.json')

export async function readConfig(path: string): Promise<Config> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new CliFailure(`${path} can not be read: ${error.message}`, { cause: error })
  })
  if (text === undefined) return { tokens: {} }
  try {
    return checkConfig(JSON.parse(text))
  } catch (cause) {
    const next = 'Remove the file and sign in again with: flowforge login'
    throw new CliFailure(`${path} is damaged.`, { next, cause })
  }
}

function checkConfig(value: unknown): Config {
  const { url, tokens } = value as { url?: unknown; tokens?: unknown }
  const entries = Object.entries(tokens ?? {}).filter(([, token]) => typeof token === 'string')
  return { ...(typeof url === 'string' ? { url } : {}), tokens: Object.fromEntries(entries) }
}

/** Written beside and renamed: a crash leaves the old file, and the mode is right from the first byte. */
export async function writeConfig(path: string, config: Config): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  await rename(draft, path)
}
