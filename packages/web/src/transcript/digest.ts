// A tool call in one line: what it is about, from its input. The input is foreign: every field may be anything. Pure.
import { oneLine } from '../text/hidden.ts'

const MAX = 240

/** Which field of the input says it best, by tool. Several: joined. */
const FIELDS: Record<string, string[]> = {
  Bash: ['command'],
  BashOutput: ['bash_id'],
  KillShell: ['shell_id'],
  Read: ['file_path'],
  Write: ['file_path'],
  Edit: ['file_path'],
  MultiEdit: ['file_path'],
  NotebookEdit: ['notebook_path'],
  Glob: ['pattern', 'path'],
  Grep: ['pattern', 'path', 'glob'],
  LS: ['path'],
  WebFetch: ['url'],
  WebSearch: ['query'],
  Task: ['description'],
  Agent: ['description'],
  Skill: ['skill'],
  ToolSearch: ['query'],
}
const LIKELY = [
  'command',
  'file_path',
  'path',
  'pattern',
  'query',
  'url',
  'description',
  'name',
  'title',
  'prompt',
]

export function digestOf(name: string, input: unknown): string {
  if (!isRecord(input)) return input === undefined || input === null ? '' : oneLine(textOf(input), MAX)
  if (name === 'TodoWrite' && Array.isArray(input.todos)) return todoDigest(input.todos)
  const known = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined
  const parts = (known ?? [LIKELY.find(field => typeof input[field] === 'string') ?? ''])
    .map(field => input[field])
    .filter(value => typeof value === 'string' && value !== '')
    .map(value => pathless(String(value)))
  if (parts.length > 0) return oneLine(parts.join(' in '), MAX)
  return Object.keys(input).length === 0 ? '' : oneLine(textOf(input), MAX)
}

/** Every job works in the same clone: its path says nothing. */
const pathless = (text: string): string =>
  text.replaceAll('/workspace/repository/', '').replaceAll('/workspace/repository', '.')

/** `mcp__server__tool` reads `server · tool`. */
export function toolTitle(name: string): string {
  const [prefix, server, ...rest] = name.split('__')
  return prefix === 'mcp' && server && rest.length > 0 ? `${server} · ${rest.join('__')}` : name
}

function todoDigest(todos: unknown[]): string {
  const done = todos.filter(todo => isRecord(todo) && todo.status === 'completed').length
  const current = todos.find(todo => isRecord(todo) && todo.status === 'in_progress')
  const doing = isRecord(current) ? ` · ${textOf(current.activeForm ?? current.content)}` : ''
  return oneLine(`${done} of ${todos.length} done${doing}`, MAX)
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
