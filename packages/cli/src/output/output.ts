// The two streams: results on stdout, messages on stderr. Knows whether people or programs read them.
import { onlyColours, safeJson } from './plain-text.ts'
import { createStyle, type Style } from './style.ts'

export interface Sink {
  write(text: string): unknown
  isTTY?: boolean | undefined
  columns?: number | undefined
}

export interface Output {
  /** `--json`: stdout holds one JSON value or NDJSON and nothing else. */
  json: boolean
  /** Stdout is a terminal. */
  isTerminal: boolean
  /** A status line may be drawn and redrawn. */
  isLive: boolean
  /** For what goes to stdout. */
  style: Style
  /** Of stdout, as it is now. */
  columns(): number
  line(text?: string): void
  /** As is: diffs for `git apply`, redrawing. */
  raw(text: string): void
  /** One JSON value on one line. */
  value(value: unknown): void
  message(text: string): void
}

export interface OutputOptions {
  stdout: Sink
  stderr: Sink
  json: boolean
  noColor: boolean
  term: string | undefined
}

export function createOutput({ stdout, stderr, json, noColor, term }: OutputOptions): Output {
  const isTerminal = stdout.isTTY === true && !json
  const isLive = isTerminal && !noColor && term !== 'dumb'
  return {
    json,
    isTerminal,
    isLive,
    style: createStyle(isLive),
    columns: () => Math.max(20, stdout.columns || 80),
    line: (text = '') => stdout.write(`${onlyColours(text)}\n`),
    raw: text => stdout.write(text),
    value: value => stdout.write(`${safeJson(value)}\n`),
    message: text => stderr.write(`${onlyColours(text)}\n`),
  }
}
