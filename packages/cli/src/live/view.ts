// Where a followed job is shown: a terminal with a status line, lines with time stamps, or NDJSON.
import type { Job, JobEvent } from '@flowforge/sdk'
import type { Output } from '../output/output.ts'
import { onlyColours } from '../output/plain-text.ts'
import { stampedLines, terminalLines } from './entry-lines.ts'
import { FRAME_MS, statusLine } from './status-line.ts'
import { createTranscript } from './transcript.ts'

export interface View {
  show(event: JobEvent): void
  /** The connection is broken; undefined when it is back. */
  notice(text: string | undefined): void
  /** Somebody is asked something here: nothing is drawn until they are done. */
  pause(): void
  goOn(): void
  /** Takes the status line away. After it the terminal is as it was. */
  close(): void
}

export function createJsonView(output: Output): View {
  return {
    show: event => {
      // Deltas are live only and unnumbered: a log that can be resumed has none.
      if (event.seq !== undefined) output.value(event)
    },
    notice: text => text !== undefined && output.message(text),
    pause: () => {},
    goOn: () => {},
    close: () => {},
  }
}

/** `print` decides the stream: with `run --json` the story goes to stderr. */
export function createStampedView(print: (line: string) => void): View {
  const transcript = createTranscript()
  return {
    show: event => {
      for (const entry of transcript.entries(event))
        for (const line of stampedLines(entry, event.at)) print(line)
    },
    notice: text => text !== undefined && print(text),
    pause: () => {},
    goOn: () => {},
    close: () => {},
  }
}

const CLEAR_LINE = '\r\u001b[2K'

export function createTerminalView(output: Output, job: Job, nowMs: () => number): View {
  const transcript = createTranscript()
  let notice: string | undefined
  /** Lines that came while somebody was asked. */
  let heldBack: string[] | undefined
  const status = () =>
    statusLine({
      job,
      progress: transcript.progress,
      notice,
      nowMs: nowMs(),
      columns: output.columns(),
      style: output.style,
    })
  const draw = (lines: string[]) => {
    if (heldBack) heldBack.push(...lines)
    else
      output.raw(
        `${CLEAR_LINE}${lines.map(line => `${onlyColours(line)}\n`).join('')}${onlyColours(status())}`,
      )
  }
  const ticking = setInterval(() => draw([]), FRAME_MS)
  return {
    show: event => {
      const entries = transcript.entries(event)
      const lines = entries.flatMap(entry => terminalLines(entry, output.style, output.columns()))
      if (lines.length > 0) draw(lines)
    },
    notice: text => {
      notice = text
    },
    pause: () => {
      output.raw(CLEAR_LINE)
      heldBack ??= []
    },
    goOn: () => {
      const missed = heldBack ?? []
      heldBack = undefined
      draw(missed)
    },
    close: () => {
      clearInterval(ticking)
      for (const line of heldBack ?? []) output.line(line)
      output.raw(CLEAR_LINE)
    },
  }
}
