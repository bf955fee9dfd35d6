// Figures of a benchmark: percentiles, a table for people, a JSON file for comparison over time.
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'

export interface Figures {
  p50: number
  p95: number
  p99: number
  min: number
  max: number
}

export function figures(values: number[]): Figures {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), min: sorted[0]!, max: sorted.at(-1)! }
}

export function printTable(title: string, rows: Record<string, Figures>): void {
  const width = Math.max(...Object.keys(rows).map(name => name.length))
  const cell = (value: number | string) =>
    String(typeof value === 'number' ? Math.round(value) : value).padStart(8)
  process.stdout.write(`\n${title}\n${' '.repeat(width)}${['p50', 'p95', 'min', 'max'].map(cell).join('')}\n`)
  for (const [name, { p50, p95, min, max }] of Object.entries(rows)) {
    process.stdout.write(`${name.padEnd(width)}${[p50, p95, min, max].map(cell).join('')}\n`)
  }
}

const DIRECTORY = join(import.meta.dirname, 'results')

export async function saveResult(name: string, result: object): Promise<void> {
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
  }
  await mkdir(DIRECTORY, { recursive: true })
  const file = join(DIRECTORY, `${name}.json`)
  await writeFile(file, `${JSON.stringify({ at: new Date().toISOString(), machine, ...result }, null, 2)}\n`)
}
