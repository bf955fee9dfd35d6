// A file system of a few megabytes that a test can fill, and give its space back.
import { execFile } from 'node:child_process'
import { appendFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface SmallDisk {
  directory: string
  /** To the last page. */
  fill(): Promise<void>
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
    // Others write there meanwhile: how much is free is known only when nothing is.
    fill: async () => {
      for (const bytes of [64 * 1024, 4 * 1024]) while (await append(filler, bytes));
    },
    free: () => rm(filler, { force: true }),
    close: async () => {
      await run('umount', [directory])
    },
  }
}

/** False when the disk is full. */
async function append(file: string, bytes: number): Promise<boolean> {
  try {
    await appendFile(file, Buffer.alloc(bytes))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}
