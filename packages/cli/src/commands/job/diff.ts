// flowforge job diff ID: exact bytes into a pipe (`| git apply`), coloured and harmless on a terminal.
import type { JobDiff } from '@flowforge/sdk'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { formatCount } from '../../output/format.ts'
import type { Output } from '../../output/output.ts'
import { plainText } from '../../output/plain-text.ts'
import type { Style } from '../../output/style.ts'
import { parseJobId, parsePositiveCount } from '../../values.ts'

export interface DiffFlags {
  stat?: boolean
  attempt?: number
}

export const command = defineCommand<DiffFlags, DiffFlags & { id: string }>({
  describe: command =>
    command
      .argument('<id>', "the job's number or id")
      .option('--stat', 'print the totals alone')
      .option('--attempt <number>', 'what one attempt pushed, or left behind', parsePositiveCount),
  parse: (args, flags) => ({ ...flags, id: parseJobId(args[0]) }),
  run: async ({ id, stat, attempt }, context) => {
    const { flowforge } = await context.connect()
    const diff = await flowforge.jobs.diff(id, attempt === undefined ? {} : { attempt })
    const { output } = context
    if (output.json) output.value(stat ? { base: diff.base, head: diff.head, stat: diff.stat } : diff)
    else if (stat) output.line(totals(diff))
    else printDiff(diff, output)
    return EXIT.success
  },
})

function totals({ stat }: JobDiff): string {
  return `${formatCount(stat.filesChanged, 'file')} changed, ${formatCount(stat.insertions, 'insertion')}, ${formatCount(stat.deletions, 'deletion')}`
}

function printDiff({ diff, truncated }: JobDiff, output: Output): void {
  if (diff === '') output.message('The job changed nothing.')
  else if (output.isTerminal) {
    for (const line of plainText(diff).trimEnd().split('\n')) output.line(colourDiffLine(line, output.style))
  } else output.raw(diff)
  if (truncated) output.message('The diff is longer than this; fetch the branch to see all of it.')
}

export function colourDiffLine(line: string, style: Style): string {
  if (/^(diff |index |--- |\+\+\+ |new file|deleted file|rename |similarity )/.test(line))
    return style.bold(line)
  if (line.startsWith('@@')) return style.cyan(line)
  if (line.startsWith('+')) return style.green(line)
  if (line.startsWith('-')) return style.red(line)
  return line
}
