// The shape of a command: what it takes, how that is read, and what it does. Each verb is one file of this shape.
import type { Command } from 'commander'
import type { Context } from './context.ts'
import type { ExitCode } from './exit-codes.ts'

export interface CommandModule<Flags, Options> {
  /** Arguments, options, examples. The name and summary stand in `command-table.ts`. */
  describe(command: Command): void
  /** Pure; throws a usage error. */
  parse(args: string[], flags: Flags): Options
  run(options: Options, context: Context): Promise<ExitCode>
}

/** A command whose types are known to itself alone. */
export interface LoadedCommand {
  describe(command: Command): void
  run(args: string[], flags: object, context: Context): Promise<ExitCode>
}

export const defineCommand = <Flags extends object, Options>(
  module: CommandModule<Flags, Options>,
): LoadedCommand => ({
  describe: module.describe,
  // Commander made the flags from what `describe` declared: the one place where that is taken on trust.
  run: async (args, flags, context) => module.run(module.parse(args, flags as Flags), context),
})
