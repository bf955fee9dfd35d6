// Runs one check's command in a process group of its own, and sees to it that nothing of it is left running.
import { type ChildProcess, spawn } from 'node:child_process'

export interface Finished {
  exitCode: number
  output: string
  /** Processes of the group outlived the command; they were killed. */
  leftRunning: boolean
}

const running = new Set<ChildProcess>()

/** `show` passes the output through as it comes; it is collected in either case. */
export function runCommand(
  command: [string, ...string[]],
  options: { show: boolean; environment?: Record<string, string> },
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const [file, ...args] = command
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...options.environment },
    })
    running.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        if (options.show) process.stdout.write(text)
      })
    }
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      running.delete(child)
      const leftRunning = killGroup(child, 'SIGKILL')
      const finish = () => resolve({ exitCode: signal ? 1 : (code ?? 1), output, leftRunning })
      // The rest of the output is still in the pipe; but a process that left the group could hold it open for ever.
      const patience = setTimeout(finish, 2_000)
      child.on('close', () => {
        clearTimeout(patience)
        finish()
      })
    })
  })
}

export function stopRunning(): void {
  for (const child of running) killGroup(child, 'SIGTERM')
}

/** False when nobody is left in the group. */
function killGroup(child: ChildProcess, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-child.pid!, signal)
  } catch {
    return false
  }
}
