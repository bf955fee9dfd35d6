// How long things are kept, as options and in words: what the commands of `flowforge retention` have in common.
import type { KeepDays, RetentionPreview } from '@flowforge/sdk'
import { usageError } from '../failure.ts'
import { formatCount, formatMoment } from '../output/format.ts'
import type { Output } from '../output/output.ts'
import { plainLine } from '../output/plain-text.ts'
import { printTable } from '../output/table.ts'

export const KINDS = ['jobs', 'events', 'artifacts', 'mirrors'] as const

export interface KeepFlags {
  jobs?: string
  events?: string
  artifacts?: string
  mirrors?: string
}

/** Commander's options, one for each kind. */
export const KEEP_OPTIONS: ReadonlyArray<readonly [flags: string, description: string]> = [
  ['--jobs <days>', 'everything of a job, this long after its end'],
  ['--events <days>', 'the story of a job alone'],
  ['--artifacts <days>', 'the files that a job left'],
  [
    '--mirrors <days>',
    'copies of repositories that nobody used for so long and whose upstream has all of it',
  ],
]

/** Only what was said. */
export function parseKeepDays(flags: KeepFlags): Partial<KeepDays> {
  const said: Partial<KeepDays> = {}
  for (const kind of KINDS) {
    const text = flags[kind]
    if (text !== undefined) said[kind] = parseDays(text)
  }
  return said
}

function parseDays(text: string): number | null {
  if (text === 'forever') return null
  if (/^[1-9][0-9]{0,4}$/.test(text)) return Number(text)
  throw usageError(`"${text}" is no number of days.`, 'Give a number of days, or forever.')
}

export const daysInWords = (days: number | null): string =>
  days === null ? 'for ever' : formatCount(days, 'day')

export function printKeepDays(output: Output, keepDays: KeepDays): void {
  for (const kind of KINDS) output.line(`${kind.padEnd(10)} ${daysInWords(keepDays[kind])}`)
}

export function printPreview(output: Output, preview: RetentionPreview): void {
  printTable(
    output,
    [
      { title: 'WHAT', text: kind => kind },
      { title: 'KEPT', text: kind => daysInWords(preview.keepDays[kind]) },
      { title: 'GOES', text: kind => String(preview[kind].count) },
      { title: 'MIB', text: kind => (preview[kind].bytes / 1024 ** 2).toFixed(1) },
      { title: 'OLDEST', text: kind => formatMoment(preview[kind].oldest ?? '') },
      { title: 'NEWEST', text: kind => formatMoment(preview[kind].newest ?? '') },
      {
        title: 'SUCH AS',
        text: kind => plainLine(preview[kind].sample.map(({ name }) => name).join(', ')),
        flexible: true,
      },
    ],
    [...KINDS],
  )
}
