// What the kernel says of processes: proc(5).
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

const STEP_MS = 20

export async function untilGone(pid: number): Promise<void> {
  while (await isThere(pid)) await delay(STEP_MS)
}

/** A zombie is gone: it waits for its parent, nothing else. */
async function isThere(pid: number): Promise<boolean> {
  const stat = await statOf(pid)
  return stat !== undefined && stat.state !== 'Z'
}

export async function childrenOf(parent: number): Promise<number[]> {
  const all = (await readdir('/proc')).map(Number).filter(Number.isInteger)
  const stats = await Promise.all(all.map(async pid => ({ pid, ...(await statOf(pid)) })))
  return stats.filter(stat => stat.parent === parent).map(stat => stat.pid)
}

async function statOf(pid: number): Promise<{ state: string; parent: number } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name is in brackets, and may hold anything, brackets and blanks too.
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return state && parent ? { state, parent: Number(parent) } : undefined
}

/** What it has resident now, and the most that it has had. */
export async function memoryOf(pid: number): Promise<{ nowMb: number; peakMb: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const megabytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)![1]) / 1024
  return { nowMb: megabytes('VmRSS'), peakMb: megabytes('VmHWM') }
}
