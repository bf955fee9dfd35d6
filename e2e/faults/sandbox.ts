// What a test does to a job's container from the host: looks at its processes, kills one, removes it, runs something in it.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { expect } from 'vitest'
import type { Installation } from './processes.ts'

const docker = new Docker()

/** A task that runs these lines in Claude's Bash, and may leave files for the branch. */
export const script = (lines: string): string => `Run this [scenario: run-script]\n\`\`\`sh\n${lines}\n\`\`\``

/** The container of the agent that works on this job, as soon as it is there. */
export async function untilContainer(
  { postgres }: Pick<Installation, 'postgres'>,
  job: { id: string },
): Promise<Docker.Container> {
  const find = async () => {
    const rows = await postgres.query<{ id: string | null }>(
      `select containers -> 'agent' ->> 'id' as id from attempts where job_id = $1 and ended_at is null`,
      [job.id],
    )
    return rows[0]?.id ?? null
  }
  await expect.poll(find, { timeout: 20_000, interval: 50 }).not.toBeNull()
  return docker.getContainer((await find())!)
}

/** Process ids on the host of those in the container whose command line matches. */
export async function processesIn(container: Docker.Container, pattern: RegExp): Promise<number[]> {
  const { Titles, Processes } = await container.top({ ps_args: '-eo pid,args' })
  const [pidColumn, argsColumn] = [
    Titles.indexOf('PID'),
    (Titles as string[]).findIndex(title => /CMD|COMMAND/.test(title)),
  ]
  return (Processes as string[][])
    .filter(row => pattern.test(row[argsColumn] ?? ''))
    .map(row => Number(row[pidColumn]))
}

/** Claude Code itself, not what it started. */
export async function untilAgentProcess(container: Docker.Container): Promise<number> {
  const find = () => processesIn(container, /claude.*--output-format stream-json/)
  await expect.poll(find, { timeout: 20_000, interval: 50 }).not.toHaveLength(0)
  return (await find())[0]!
}

export async function runIn(
  container: Docker.Container,
  ...command: string[]
): Promise<{ exitCode: number; output: string }> {
  return promisify(execFile)('docker', ['exec', container.id, ...command], { timeout: 30_000 }).then(
    ({ stdout, stderr }) => ({ exitCode: 0, output: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      exitCode: error.code,
      output: error.stdout + error.stderr,
    }),
  )
}

/** Processes of this machine whose command line or environment holds this text; daemons that a job left, say. */
export async function hostProcessesWith(text: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid,args'])
  const found: number[] = []
  for (const line of stdout.split('\n').slice(1)) {
    const pid = Number.parseInt(line, 10)
    if (!Number.isInteger(pid)) continue
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (command.includes(text)) found.push(pid)
  }
  return found
}
