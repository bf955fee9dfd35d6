// flowforge schedule create NAME "TASK" --cron CRON
import type { NewSchedule, Priority } from '@flowforge/sdk'
import { Option } from 'commander'
import { defineCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { usageError } from '../../failure.ts'
import { formatMoment } from '../../output/format.ts'
import { plainLine } from '../../output/plain-text.ts'
import { requireRepository } from '../../repositories.ts'
import { collect, parseDuration, parseUsd } from '../../values.ts'

interface CreateFlags {
  cron: string
  timezone?: string
  repo: string
  overlap?: NewSchedule['overlap']
  missed?: NewSchedule['missed']
  paused?: boolean
  base?: string
  priority?: Priority
  verify?: string[]
  setup?: string[]
  budget?: number
  timeout?: number
  model?: string
  cache?: boolean
  tokenStdin?: boolean
}

interface CreateOptions {
  /** Undefined: it stands on stdin. */
  task: string | undefined
  repo: string
  schedule: Omit<NewSchedule, 'repositoryId' | 'job'>
  job: Omit<NewSchedule['job'], 'task'>
}

export const command = defineCommand<CreateFlags, CreateOptions>({
  describe: command =>
    command
      .argument('<name>', 'what to call it')
      .argument('<task>', 'what to do each time, in words; - reads it from stdin')
      .requiredOption('--cron <expression>', 'when: minute hour day month weekday, or @daily, @hourly …')
      .requiredOption('--repo <name>', 'the repository to work on')
      .option('--timezone <zone>', "what the hours mean, such as Europe/Berlin (this machine's)")
      .addOption(
        new Option('--overlap <policy>', 'while the run before is unfinished (skip)').choices([
          'skip',
          'queue',
          'cancel_previous',
        ]),
      )
      .addOption(
        new Option('--missed <policy>', 'when FlowForge did not run (run_once)').choices([
          'skip',
          'run_once',
        ]),
      )
      .option('--paused', 'make it, but do not run it yet')
      .option('--base <branch>', 'branch to start from')
      .addOption(new Option('--priority <level>', 'place in the queue').choices(['low', 'normal', 'high']))
      .option('--verify <command>', 'must succeed before the work counts; may be given again', collect)
      .option('--setup <command>', 'run before Claude starts; may be given again', collect)
      .option('--budget <usd>', 'stop each job at this cost in dollars', parseUsd)
      .option('--timeout <duration>', 'stop each job after this time, such as 30m', parseDuration)
      .option('--model <model>', 'which Claude model')
      .option('--cache', 'an earlier result of the same task on the same commit will do')
      .addHelpText('after', EXAMPLES),
  parse: parseCreate,
  run: async ({ task, repo, schedule, job }, context) => {
    const words = task ?? (await context.readStdin()).trim()
    if (words === '') throw usageError('There is no task.', 'Say what should be done each time.')
    const { flowforge } = await context.connect()
    const { id: repositoryId } = await requireRepository(flowforge, repo)
    const made = await flowforge.schedules.create({ ...schedule, repositoryId, job: { ...job, task: words } })
    const { output } = context
    if (output.json) output.value(made)
    else {
      output.line(
        `${plainLine(made.name)} runs ${plainLine(made.description)} (${plainLine(made.timezone)}).`,
      )
      if (made.nextRunAt) output.line(`Next: ${formatMoment(made.nextRunAt)}, in this machine's time.`)
      else output.line(`It is paused. Start it with: flowforge schedule resume "${plainLine(made.name)}"`)
    }
    return EXIT.success
  },
})

export function parseCreate([name, task]: string[], flags: CreateFlags): CreateOptions {
  if (task === '-' && flags.tokenStdin) throw usageError('Stdin holds the task or the API key, not both.')
  const job = {
    baseBranch: flags.base,
    priority: flags.priority,
    verify: flags.verify,
    setup: flags.setup,
    budgetUsd: flags.budget,
    timeoutSeconds: flags.timeout,
    model: flags.model,
    cache: flags.cache,
  }
  const schedule = {
    name: name!,
    cron: flags.cron,
    timezone: flags.timezone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone,
    overlap: flags.overlap,
    missed: flags.missed,
    enabled: flags.paused ? false : undefined,
  }
  return {
    task: task === '-' ? undefined : task!,
    repo: flags.repo,
    schedule: given(schedule),
    job: given(job),
  }
}

const given = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T

const EXAMPLES = `
Examples:
  flowforge schedule create nightly "Bring the dependencies up to date" --repo website --cron "0 3 * * 1-5" --verify "npm test"
  flowforge schedule create triage - --repo website --cron @hourly --timezone Europe/Berlin --overlap queue < task.md`
