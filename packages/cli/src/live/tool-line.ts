// One line for one use of a tool: its name and the part of its input that tells people most.
import { plainLine } from '../output/plain-text.ts'

/** In the order of preference; the names are those of Claude Code's tools. */
const TELLING = [
  'command',
  'file_path',
  'notebook_path',
  'path',
  'pattern',
  'url',
  'query',
  'description',
  'prompt',
]
const MAX_LENGTH = 500

export function describeTool(name: unknown, input: unknown): string {
  const tool = plainLine(name) || 'Tool'
  const detail = plainLine(tellingPart(input).slice(0, MAX_LENGTH * 2)).slice(0, MAX_LENGTH)
  return detail === '' ? tool : `${tool} ${shorten(detail)}`
}

function tellingPart(input: unknown): string {
  if (typeof input === 'string') return input
  if (typeof input !== 'object' || input === null) return ''
  const fields = input as Record<string, unknown>
  for (const field of TELLING) {
    const value = fields[field]
    if (typeof value === 'string' && value !== '') return value
  }
  return Object.keys(fields).length === 0 ? '' : JSON.stringify(fields)
}

/** The clone is where everything happens; its path says nothing. */
const shorten = (detail: string): string => detail.replaceAll('/workspace/repository/', '')
