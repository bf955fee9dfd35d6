// A file system of a few megabytes that a test can fill, and give its space back.
import { execFile } from 'node:child_process'
import { mkdir, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface SmallDisk {
  directory: string
  /** Leaves so many bytes. */
  fill(leaveBytes?: number): Promise<void>
  free(): Promise<void>
  close(): Promise<void>
}

const run = promisify(execFile)

/** Needs root. Others may pass through it, as through a data folder. */
export async function mountSmallDisk(directory: string, megabytes: number): Promise<SmallDisk> {
  await mkdir(directory, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'tmpfs', directory])
  const filler = join(directory, 'filler')
  return {
    directory,
    fill: async (leaveBytes = 0) => {
      const { bavail, bsize } = await statfs(directory)
      await using file = await open(filler, 'a')
      const { size } = await file.stat()
      await run('fallocate', ['--length', String(size + bavail * bsize - leaveBytes), filler])
    },
    free: () => rm(filler, { force: true }),
    close: async () => {
      await run('umount', [directory])
    },
  }
}
