// Entries as lines: wrapped and coloured for a terminal, with time stamps elsewhere.
import { applyTone, type Style } from '../output/style.ts'
import { displayWidth, truncate, wrap } from '../output/text-width.ts'
import type { Entry } from './transcript.ts'

export function terminalLines(entry: Entry, style: Style, columns: number): string[] {
  const indent = entry.nested ? '    ' : ''
  const lead = entry.mark === undefined ? '' : `${entry.mark} `
  const width = columns - 1 - displayWidth(indent + lead)
  const detail = (entry.detail ? wrap(entry.detail, width - 2) : []).map(
    line => `${indent}  ${style.dim(line)}`,
  )
  return [...textLines(entry, style, { indent, lead, width }), ...detail]
}

function textLines(
  { text, tone, mark, suffix }: Entry,
  style: Style,
  { indent, lead, width }: { indent: string; lead: string; width: number },
): string[] {
  // Marked lines colour the mark; unmarked ones (log output) are coloured whole.
  const paint = (line: string) => (mark === undefined || tone === 'dim' ? applyTone(style, tone, line) : line)
  const painted = applyTone(style, tone, lead)
  if (suffix !== undefined) {
    const room = width - displayWidth(suffix) - 2
    return [`${indent}${painted}${paint(truncate(text, room))}  ${style.dim(suffix)}`]
  }
  const blank = ' '.repeat(displayWidth(lead))
  return wrap(text, width).map((line, i) => `${indent}${i === 0 ? painted : blank}${paint(line)}`)
}

/** Every line has its stamp, so that a line from outside can't pass for one of ours. */
export function stampedLines(entry: Entry, at: string): string[] {
  const lead = `${clockTime(at)}  ${entry.nested ? '    ' : ''}`
  const mark = entry.mark === undefined ? '' : `${entry.mark} `
  const suffix = entry.suffix === undefined ? '' : `  ${entry.suffix}`
  const [first = '', ...rest] = `${mark}${entry.text}${suffix}`.split('\n')
  const detail = entry.detail ? entry.detail.split('\n').map(line => `  ${line}`) : []
  return [first, ...rest, ...detail].map(line => `${lead}${line}`.trimEnd())
}

export function clockTime(at: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return '--:--:--'
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map(part => String(part).padStart(2, '0'))
    .join(':')
}
