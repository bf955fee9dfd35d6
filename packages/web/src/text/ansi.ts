// Terminal output as safe segments: colours kept, every other escape sequence dropped, hidden characters shown. Pure.
import { revealHidden } from './hidden.ts'

export type AnsiColor = 'red' | 'green' | 'amber' | 'blue' | 'violet' | 'dim'

export interface Segment {
  text: string
  color?: AnsiColor
  bold?: boolean
}

/** CSI sequences; OSC, DCS, APC, PM, SOS strings up to their end; two-character escapes. */
const ESCAPE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with control characters
  /(?:\u001b\[|\u009b)([0-?]*)[ -/]*([@-~])|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]/g

const COLORS: Record<number, AnsiColor | undefined> = {
  1: 'red',
  2: 'green',
  3: 'amber',
  4: 'blue',
  5: 'violet',
  6: 'blue',
}

export function segmentsOf(raw: string): Segment[] {
  const text = overwriteLines(raw)
  const segments: Segment[] = []
  let style: Omit<Segment, 'text'> = {}
  let from = 0
  const push = (until: number) => {
    if (until > from) segments.push({ text: revealHidden(text.slice(from, until)), ...style })
  }
  for (const match of text.matchAll(ESCAPE)) {
    push(match.index)
    from = match.index + match[0].length
    if (match[2] === 'm') style = restyle(style, match[1] ?? '')
  }
  push(text.length)
  return segments
}

export const plainText = (raw: string): string =>
  segmentsOf(raw)
    .map(segment => segment.text)
    .join('')

/** A progress bar rewrites its line with \r: only what stood there last is shown. */
function overwriteLines(text: string): string {
  if (!text.includes('\r')) return text
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map(line => {
      const trimmed = line.replace(/\r+$/, '')
      return trimmed.slice(trimmed.lastIndexOf('\r') + 1)
    })
    .join('\n')
}

function restyle(style: Omit<Segment, 'text'>, params: string): Omit<Segment, 'text'> {
  const codes = params === '' ? [0] : params.split(/[;:]/).map(Number)
  let next = { ...style }
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0
    if (code === 0) next = {}
    else if (code === 1) next.bold = true
    else if (code === 2) next.color = 'dim'
    else if (code === 22) {
      next.bold = undefined
      if (next.color === 'dim') next.color = undefined
    } else if (code === 39) next.color = undefined
    else if (code === 90) next.color = 'dim'
    else if ((code > 30 && code < 38) || (code > 90 && code < 98)) next.color = COLORS[code % 10]
    // Extended colours take the next parameters along: 38;5;N and 38;2;R;G;B.
    else if (code === 38 || code === 48) at += codes[at + 1] === 5 ? 2 : codes[at + 1] === 2 ? 4 : 0
  }
  return next
}
