// Runs the system's git in the user's work tree. Knows how to call it and how it fails; not what for.
import { execa } from 'execa'
import { CliFailure } from '../failure.ts'
import { plainText } from '../output/plain-text.ts'

export interface GitResult {
  exitCode: number
  stdout: string
  stderr: string
}

/** Never asks for a password and never speaks another language than the one that failures are recognised in. */
export async function git(
  cwd: string,
  args: string[],
  environment: Record<string, string> = {},
): Promise<GitResult> {
  const result = await execa('git', args, {
    cwd,
    env: { GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', ...environment },
    reject: false,
    stdin: 'ignore',
  })
  if (result.code === 'ENOENT') {
    throw new CliFailure('Git is not installed.', { next: 'Install git, then try again.' })
  }
  return { exitCode: result.exitCode ?? 128, stdout: result.stdout, stderr: result.stderr }
}

/** For calls that have no expected way to fail. */
export async function gitOutput(cwd: string, args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await git(cwd, args)
  if (exitCode !== 0) throw new CliFailure(`git ${args[0]} failed: ${lastWords(stderr)}`)
  return stdout
}

/** What git said last, which is what counts, without the prefixes. */
export function lastWords(stderr: string): string {
  const lines = plainText(stderr)
    .split('\n')
    .map(line => line.replace(/^(fatal|error|remote|hint): */, '').trim())
    .filter(line => line !== '')
  return lines.slice(-3).join(' ') || 'it gave no reason'
}
