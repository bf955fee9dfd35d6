// flowforge limit [COUNT|none] [--repo NAME]: how many jobs may run at once; without a count it shows what there is.
import { defineCommand } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import { plainLine } from '../output/plain-text.ts'
import { requireRepository } from '../repositories.ts'

export interface LimitFlags {
  repo?: string
}

interface LimitOptions {
  repo: string | undefined
  /** Undefined: only show; null: no limit. */
  maxRunning: number | null | undefined
}

export const command = defineCommand<LimitFlags, LimitOptions>({
  describe: command =>
    command
      .argument('[count]', 'at most so many at once, or none')
      .option('--repo <name>', 'the limit of one repository instead of the organization'),
  parse: ([count], { repo }) => ({ repo, maxRunning: count === undefined ? undefined : parseLimit(count) }),
  run: async ({ repo, maxRunning }, context) => {
    const { flowforge } = await context.connect()
    const { output } = context
    if (repo !== undefined) {
      const found = await requireRepository(flowforge, repo)
      const {
        id,
        name,
        maxRunning: stands,
      } = maxRunning === undefined ? found : await flowforge.repositories.setMaxRunning(found.id, maxRunning)
      if (output.json) output.value({ repositoryId: id, name, maxRunning: stands })
      else output.line(`Jobs of ${plainLine(name)}: ${inWords(stands)}.`)
      return EXIT.success
    }
    const limits =
      maxRunning === undefined ? await flowforge.limits() : await flowforge.setMaxRunning(maxRunning)
    if (output.json) output.value(limits)
    else {
      const { running, queued } = limits
      output.line(
        `Jobs of the organization: ${inWords(limits.maxRunning)}. ${running} running, ${queued} queued.`,
      )
    }
    return EXIT.success
  },
})

const inWords = (maxRunning: number | null): string =>
  maxRunning === null ? 'as many at once as there is room for' : `at most ${maxRunning} at once`

function parseLimit(text: string): number | null {
  if (text === 'none') return null
  if (/^[1-9][0-9]{0,4}$/.test(text)) return Number(text)
  throw usageError(`"${text}" is no limit.`, 'Give a number of jobs, or none.')
}
