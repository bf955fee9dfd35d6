// flowforge run "TASK": submits a task, follows it to its end, and for a work tree brings the branch back.
import type { Job, NewJob, Priority } from '@flowforge/sdk'
import { Option } from 'commander'
import { defineCommand } from '../command.ts'
import { consoleUrl } from '../console-address.ts'
import type { Connection, Context } from '../context.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { usageError } from '../failure.ts'
import { watch } from '../live/watch.ts'
import { plainLine } from '../output/plain-text.ts'
import { collect, parseDuration, parseJobId, parseMoment, parseUsd } from '../values.ts'
import { bringBack } from '../work/bring-back.ts'
import { chooseTarget, type Target, type TargetChoice } from '../work/target.ts'

export interface RunFlags {
  repo?: string
  base?: string
  branch?: string
  priority?: Priority
  verify?: string[]
  setup?: string[]
  budget?: number
  timeout?: number
  queueTimeout?: number
  model?: string
  at?: string
  needs?: string[]
  from?: string
  cache?: boolean
  planFirst?: boolean
  questions?: boolean
  detach?: boolean
  tokenStdin?: boolean
}

export interface RunOptions {
  /** Undefined: it stands on stdin. */
  task: string | undefined
  target: TargetChoice
  detach: boolean
  job: Omit<NewJob, 'repositoryId' | 'task'>
}

export const command = defineCommand<RunFlags, RunOptions>({
  describe: command =>
    command
      .argument('<task>', 'what to do, in words; - reads it from stdin')
      .option('--repo <name|url|.>', 'the repository; . is the Git work tree you are in (default there)')
      .option('--base <branch>', 'branch to start from')
      .option('--branch <name>', 'branch that receives the work')
      .addOption(new Option('--priority <level>', 'place in the queue').choices(['low', 'normal', 'high']))
      .option('--verify <command>', 'must succeed before the work counts; may be given again', collect)
      .option('--setup <command>', 'run before Claude starts; may be given again', collect)
      .option('--budget <usd>', 'stop at this cost in dollars', parseUsd)
      .option('--timeout <duration>', 'stop after this time, such as 30m', parseDuration)
      .option('--queue-timeout <duration>', 'give up when it has not started after this time', parseDuration)
      .option('--model <model>', 'which Claude model')
      .option('--at <time>', 'start no earlier: 22:30, 2026-12-24T22:30, or +2h', parseMoment)
      .option('--needs <job>', 'start when this job has succeeded; may be given again', collect)
      .option('--from <job>', 'start when this job has succeeded, from its result')
      .option('--cache', 'an earlier result of the same task on the same commit will do')
      .option('--plan-first', 'only plan, until you approve the plan')
      .option('--no-questions', 'Claude asks nobody and decides itself')
      .option('--detach', 'submit and return at once')
      .addHelpText('after', EXAMPLES),
  parse: parseRun,
  run: async (options, context) => {
    const task = options.task ?? (await readTask(context))
    const connection = await context.connect()
    const target = await chooseTarget(options.target, connection, context)
    const job = await connection.flowforge.jobs.create({
      repositoryId: target.repository.id,
      task,
      ...(target.kind === 'work tree' && options.job.baseFrom === undefined
        ? { baseBranch: target.workTree.branch }
        : {}),
      ...options.job,
    })
    announce(job, connection, context, options.detach)
    if (options.detach) return EXIT.success
    return followToTheEnd(job, target, connection, context)
  },
})

async function followToTheEnd(job: Job, target: Target, connection: Connection, context: Context) {
  const { flowforge, url } = connection
  const followed = await watch({ context, flowforge, url, job, jsonEvents: false })
  if (followed.outcome === 'detached') return EXIT.success
  await bringBack(followed.job, target, context)
  if (context.output.json) context.output.value(followed.job)
  return exitCodeOf(followed.job)
}

export function parseRun([task]: string[], flags: RunFlags): RunOptions {
  if (task?.trim() === '')
    throw usageError('The task is empty.', 'Say what should be done: flowforge run "TASK"')
  if (task === '-' && flags.tokenStdin) throw usageError('Stdin holds the task or the API key, not both.')
  const target: TargetChoice =
    flags.repo === undefined || flags.repo === '.' ? { kind: 'here' } : { kind: 'named', text: flags.repo }
  if (target.kind === 'named' && target.text.trim() === '') throw usageError('--repo is empty.')
  const job = {
    baseBranch: flags.base,
    branch: flags.branch,
    priority: flags.priority,
    verify: flags.verify,
    setup: flags.setup,
    budgetUsd: flags.budget,
    timeoutSeconds: flags.timeout,
    queueTimeoutSeconds: flags.queueTimeout,
    model: flags.model,
    runAt: flags.at,
    needs: flags.needs?.map(parseJobId),
    baseFrom: flags.from === undefined ? undefined : parseJobId(flags.from),
    cache: flags.cache,
    planFirst: flags.planFirst,
    questions: flags.questions === false ? ('decide' as const) : undefined,
  }
  const given = Object.fromEntries(Object.entries(job).filter(([, value]) => value !== undefined))
  return { task: task === '-' ? undefined : task!, target, detach: flags.detach === true, job: given }
}

async function readTask(context: Context): Promise<string> {
  const task = (await context.readStdin()).trim()
  if (task === '') throw usageError('There is no task on stdin.')
  return task
}

function announce(job: Job, { url }: Connection, { output }: Context, detach: boolean): void {
  const print = output.json ? output.message : output.line
  print(`Job #${job.number}  ${consoleUrl(url, job)}`)
  if (job.scriptedModel) print('The answers come from the scripted model, not from Claude.')
  if (!detach) return
  if (output.json) output.value(job)
  else print(`Follow it with: flowforge job logs -f ${plainLine(job.number)}`)
}

const EXAMPLES = `
Examples:
  flowforge run "Fix the failing test"                      on the work tree you are in; fetches the branch back
  flowforge run "Add a --json flag" --verify "npm test"     counts only when the command succeeds
  flowforge run "Update the docs" --repo website --detach   on a repository that FlowForge knows
  flowforge run "Update the snapshots" --from 12 --detach     when #12 has succeeded, on its branch
  flowforge run "Sweep the TODOs" --at 02:00 --detach         tonight
  flowforge run - < task.md                                 a long task from a file

Ctrl-C detaches: the job goes on.`
