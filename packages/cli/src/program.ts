// From words to a command: builds the command tree, loads the one that is meant, runs it, gives the exit code.
// Knows what commander is, and nothing of what the commands do.
import { Command, CommanderError } from 'commander'
import type { LoadedCommand } from './command.ts'
import { COMMANDS, type CommandEntry, type Verb } from './command-table.ts'
import { type Context, createContext, type GlobalFlags, type World } from './context.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { describeFailure } from './failure.ts'
import { createOutput, type Sink } from './output/output.ts'
import { plainText } from './output/plain-text.ts'

export interface ProgramOptions {
  world: World
  stdout: Sink
  stderr: Sink
  version: string
}

/** `args` without node and the file. Never throws for an expected failure. */
export async function runProgram(args: string[], options: ProgramOptions): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.success
  let context: Context | undefined
  const program = buildProgram(options, async (command, loaded) => {
    context = createCommandContext(options, command.optsWithGlobals())
    exitCode = await loaded.run(command.processedArgs.flat(), command.optsWithGlobals(), context)
  })
  if (args.length === 0) {
    program.outputHelp()
    return EXIT.success
  }
  try {
    // Not commander's own `help`: it would show a command that is not loaded yet.
    const [first, ...rest] = args
    await program.parseAsync(first === 'help' ? [...rest, '--help'] : args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage
    const failure = describeFailure(error, context?.place())
    const lines = [failure.message, failure.next].filter(line => line !== undefined)
    for (const line of lines) options.stderr.write(`${plainText(line)}\n`)
    return failure.exitCode
  }
}

function createCommandContext({ world, stdout, stderr }: ProgramOptions, flags: GlobalFlags): Context {
  const output = createOutput({
    stdout,
    stderr,
    json: flags.json === true,
    noColor: Boolean(world.environment.NO_COLOR),
    term: world.environment.TERM,
  })
  return createContext(world, flags, output)
}

type Act = (command: Command, loaded: LoadedCommand) => Promise<void>

export function buildProgram({ stdout, stderr, version }: Omit<ProgramOptions, 'world'>, act: Act): Command {
  const program = new Command('flowforge')
    .description('Runs Claude Code tasks on your own machines and hands back branches.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .exitOverride()
    .configureOutput({
      writeOut: text => stdout.write(text),
      writeErr: text => stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showHelpAfterError('Try --help.')
    .helpCommand(false)
    .enablePositionalOptions()
  addGlobalOptions(program)
  for (const entry of COMMANDS) addEntry(program, entry, act)
  return program.addHelpText('after', EPILOGUE)
}

function addEntry(parent: Command, entry: CommandEntry, act: Act): void {
  const isDefault = 'isDefault' in entry && entry.isDefault === true
  const command = parent.command(entry.name, { isDefault }).description(entry.summary).helpCommand(false)
  if ('verbs' in entry) {
    for (const verb of entry.verbs) addEntry(command, verb, act)
    return
  }
  const once = { loading: undefined as Promise<void> | undefined }
  parent.hook('preSubcommand', async (_parent, subcommand) => {
    if (subcommand !== command) return
    once.loading ??= loadVerb(command, entry, act)
    await once.loading
  })
}

async function loadVerb(command: Command, verb: Verb, act: Act): Promise<void> {
  const { command: loaded } = await verb.load()
  loaded.describe(command)
  command.optionsGroup('Options for every command:')
  addGlobalOptions(command)
  command.action(() => act(command, loaded))
}

/** For those who need the whole tree: the completion scripts. */
export async function loadAllCommands(program: Command): Promise<void> {
  const load = async (parent: Command, entry: CommandEntry): Promise<void> => {
    const command = parent.commands.find(candidate => candidate.name() === entry.name)!
    if ('verbs' in entry) for (const verb of entry.verbs) await load(command, verb)
    else await loadVerb(command, entry, async () => {})
  }
  for (const entry of COMMANDS) await load(program, entry)
}

function addGlobalOptions(command: Command): void {
  command
    .option('--url <url>', 'address of the server (FLOWFORGE_URL)')
    .option('--token-stdin', 'read the API key from stdin (or set FLOWFORGE_TOKEN)')
    .option('--json', 'print JSON on stdout')
}

const EPILOGUE = `
Start here:
  flowforge up                                   start FlowForge on this machine
  flowforge run "Fix the failing test"           in a Git work tree: do it, fetch the branch back
  flowforge job logs -f 12                       watch a job

Exit codes: 0 success, 1 failure, 2 cancelled, 4 not signed in or not allowed, 64 wrong usage.`
