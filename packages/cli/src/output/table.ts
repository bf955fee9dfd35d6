// Lists for people and for scripts: aligned columns on a terminal, tabs without a header elsewhere.
import type { Output } from './output.ts'
import { applyTone, type Tone } from './style.ts'
import { displayWidth, pad, truncate } from './text-width.ts'

export interface Column<Row> {
  title: string
  text: (row: Row) => string
  tone?: (row: Row) => Tone
  /** Gives way when the terminal is narrow. One per table. */
  flexible?: boolean
}

const GAP = 2
const MIN_FLEXIBLE = 12

export function printTable<Row>(output: Output, columns: Column<Row>[], rows: Row[]): void {
  if (!output.isTerminal) {
    for (const row of rows) output.line(columns.map(column => column.text(row)).join('\t'))
    return
  }
  const widths = columnWidths(columns, rows, output.columns())
  output.line(
    output.style.dim(
      columns
        .map((column, i) => pad(column.title, widths[i]!))
        .join('  ')
        .trimEnd(),
    ),
  )
  for (const row of rows) {
    const cells = columns.map((column, i) => {
      const cell = pad(truncate(column.text(row), widths[i]!), i === columns.length - 1 ? 0 : widths[i]!)
      return applyTone(output.style, column.tone?.(row) ?? 'plain', cell)
    })
    output.line(cells.join('  '))
  }
}

function columnWidths<Row>(columns: Column<Row>[], rows: Row[], available: number): number[] {
  const natural = columns.map(column =>
    Math.max(displayWidth(column.title), ...rows.map(row => displayWidth(column.text(row)))),
  )
  const excess = natural.reduce((sum, width) => sum + width, GAP * (columns.length - 1)) - available
  if (excess <= 0) return natural
  return natural.map((width, i) => (columns[i]!.flexible ? Math.max(MIN_FLEXIBLE, width - excess) : width))
}
