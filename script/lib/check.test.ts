import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { runCommand } from './check.ts'

const node = (script: string): [string, ...string[]] => [process.execPath, '-e', script]

describe('a check', () => {
  it('gives the exit code and all output, also the last of it', async () => {
    const finished = await runCommand(
      node("process.stdout.write('x'.repeat(300_000)); process.exitCode = 3"),
      {
        show: false,
      },
    )
    expect(finished).toEqual({ exitCode: 3, output: 'x'.repeat(300_000), leftRunning: [] })
  })

  it('that leaves a process running has it killed and is told of it', async () => {
    const finished = await runCommand(
      node(`
        const { spawn } = require('node:child_process')
        const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000) // straggler'], { stdio: 'ignore' })
        console.log(child.pid)
        child.unref()
      `),
      { show: false, graceMs: 100 },
    )
    expect(finished.leftRunning).toEqual([expect.stringContaining('straggler')])
    await expect.poll(() => isAlive(Number(finished.output))).toBe(false)
  })
})

/** Dead is also one that only waits to be waited for; only Linux tells. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')
  return !status.includes(') Z')
}
