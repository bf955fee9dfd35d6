// Backup and restore happen on the machine itself, by a program of the server: not by the API, since whoever may do this has
// the data folder and the master key. Its progress goes to stderr as it comes.
import { existsSync } from 'node:fs'
import { execa } from 'execa'
import { serverVariables } from '../commands/up.ts'
import type { Context } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { CliFailure } from '../failure.ts'
import { plainLine } from '../output/plain-text.ts'
import { BACKUP } from '../server-entries.ts'

export interface BackupFlags {
  to?: string
  dataDir?: string
}

/** Prints what it answers as JSON, or as `show` says it. Its exit code is the command's. */
export async function runBackupProgram<Answer>(
  args: string[],
  { to, dataDir }: BackupFlags,
  context: Context,
  show: (answer: Answer) => void,
): Promise<ExitCode> {
  if (!existsSync(BACKUP)) {
    throw new CliFailure('The server is not part of this installation.', {
      next: 'Run it where flowforge up runs.',
    })
  }
  const program = execa(
    process.execPath,
    [...process.execArgv, BACKUP, ...args, ...(to === undefined ? [] : ['--to', to])],
    {
      cwd: context.cwd,
      env: serverVariables(dataDir === undefined ? {} : { dataDir }, context.cwd),
      reject: false,
      stdin: 'ignore',
    },
  )
  for await (const line of program.iterable({ from: 'stderr' })) context.output.message(plainLine(line))
  const { stdout, exitCode } = await program
  if (exitCode !== 0) return (exitCode ?? 1) as ExitCode
  const answer = JSON.parse(stdout) as Answer
  if (context.output.json) context.output.value(answer)
  else show(answer)
  return 0
}
