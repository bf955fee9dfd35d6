// Whether the kernel has killed something in this container because its memory was full: it says so in the container's
// own control group. Knows nothing of what was killed.
import { readFileSync } from 'node:fs'

/** Version 2, then version 1: the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst. */
const COUNTERS = ['/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control']

export function hasRunOutOfMemory(files: string[] = COUNTERS): boolean {
  return files.some(file => Number(/^oom_kill (\d+)$/m.exec(readIfThere(file))?.[1] ?? 0) > 0)
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
