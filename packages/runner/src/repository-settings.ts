// What a repository brings along to configure Claude Code with, and that FlowForge does not load: named in an event so
// that nobody wonders. Reads the checkout only; never writes to it.
import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs'
import { join } from 'node:path'

export interface NeutralisedSettings {
  file: string
  keys: string[]
}

const MAX_FILE_BYTES = 1024 * 1024
const MAX_KEYS = 100
const SETTINGS_FILES = ['.claude/settings.json', '.claude/settings.local.json']
/** Directories whose files may carry hooks, shell commands or tools of their own. */
const DIRECTORIES = ['.claude/agents', '.claude/commands', '.claude/skills', '.claude/output-styles']

const statOf = (path: string): Stats | undefined => {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `undefined`: no such file. An unreadable one is named by what is wrong with it. */
const readJson = (path: string): Record<string, unknown> | string | undefined => {
  const stat = statOf(path)
  if (!stat) return undefined
  if (!stat.isFile()) return '(not a regular file)'
  if (stat.size > MAX_FILE_BYTES) return '(too large to read)'
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isObject(value) ? value : '(not an object)'
  } catch {
    return '(not valid JSON)'
  }
}

/** Names of what is set, one level deep where the names matter; never values, which may be secrets. */
const namesIn = (settings: Record<string, unknown>): string[] =>
  Object.entries(settings).flatMap(([key, value]) =>
    (key === 'env' || key === 'hooks' || key === 'mcpServers') && isObject(value)
      ? Object.keys(value).map(name => `${key}.${name}`)
      : [key],
  )

const inFile = (root: string, file: string): NeutralisedSettings[] => {
  const json = readJson(join(root, file))
  if (json === undefined) return []
  const keys = typeof json === 'string' ? [json] : namesIn(json)
  return keys.length > 0 ? [{ file, keys: keys.slice(0, MAX_KEYS) }] : []
}

const inDirectory = (root: string, directory: string): NeutralisedSettings[] => {
  const path = join(root, directory)
  if (!statOf(path)?.isDirectory()) return []
  const keys = readdirSync(path).sort().slice(0, MAX_KEYS)
  return keys.length > 0 ? [{ file: directory, keys }] : []
}

export const findRepositorySettings = (root: string): NeutralisedSettings[] => [
  ...[...SETTINGS_FILES, '.mcp.json'].flatMap(file => inFile(root, file)),
  ...DIRECTORIES.flatMap(directory => inDirectory(root, directory)),
]
