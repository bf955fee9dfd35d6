// Runs one check's command in a process group of its own, and sees to it that nothing of it is left running.
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { groupMembers } from './process-group.ts'

export interface Finished {
  exitCode: number
  output: string
  /** Command lines of processes that outlived the command; they were killed. */
  leftRunning: string[]
}

/** Workers of a test runner may end a moment after it. */
const GRACE_MS = 2_000

const running = new Set<ChildProcess>()

/** `show` passes the output through as it comes; it is collected in either case. */
export async function runCommand(
  command: [string, ...string[]],
  options: { show: boolean; environment?: Record<string, string>; graceMs?: number },
): Promise<Finished> {
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
  const closed = new Promise(resolve => child.on('close', resolve))
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(signal ? 1 : (code ?? 1)))
  })
  running.delete(child)
  const leftRunning = await endGroup(child.pid!, options.graceMs ?? GRACE_MS)
  // The rest of the output is still in the pipe; but a process that left the group could hold it open for ever.
  await Promise.race([closed, delay(GRACE_MS, undefined, { ref: false })])
  return { exitCode, output, leftRunning }
}

export function stopRunning(): void {
  for (const child of running) signalGroup(child.pid!, 'SIGTERM')
}

async function endGroup(group: number, graceMs: number): Promise<string[]> {
  const deadline = performance.now() + graceMs
  let members = await groupMembers(group)
  while (members.length > 0 && performance.now() < deadline) {
    await delay(20)
    members = await groupMembers(group)
  }
  signalGroup(group, 'SIGKILL')
  return members
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch {
    // Nobody is left in it.
  }
}
