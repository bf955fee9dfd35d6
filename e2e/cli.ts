// The command line as a process, the way a shell starts it.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

const MAIN = join(import.meta.dirname, '../packages/cli/src/main.ts')
const POLL_MS = 20

export interface Finished {
  exitCode: number | null
  stdout: string
  stderr: string
}

export interface RunningCli {
  process: ChildProcess
  finished: Promise<Finished>
  /** Waits until stdout or stderr holds this. */
  said(text: string | RegExp): Promise<void>
}

export function startCli(
  args: string[],
  options: { cwd: string; environment: Record<string, string>; input?: string },
): RunningCli {
  const { cwd, environment, input } = options
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env: environment, stdio: 'pipe' })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // A command that reads nothing may be gone before this is written.
  child.stdin.on('error', () => {})
  child.stdin.end(input ?? '')
  const finished = new Promise<Finished>(resolve =>
    child.on('close', exitCode => resolve({ exitCode, stdout, stderr })),
  )
  const holds = (text: string | RegExp) =>
    typeof text === 'string' ? (stdout + stderr).includes(text) : text.test(stdout + stderr)
  return {
    process: child,
    finished,
    said: async text => {
      const over = finished.then(() => 'over' as const)
      while (!holds(text)) {
        const next = new Promise<'more'>(resolve => setTimeout(resolve, POLL_MS, 'more'))
        if ((await Promise.race([over, next])) === 'over' && !holds(text))
          throw new Error(`the command ended without ${text}:\n${stdout}\n${stderr}`)
      }
    },
  }
}
