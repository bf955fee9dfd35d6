// Objects on a disk that is full: a small one of the test's own.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { createEncryptedStorage } from './encrypted.ts'
import { createFileStorage } from './files.ts'

const run = promisify(execFile)
const MEBIBYTE = 1024 * 1024

const smallDisk = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'ff-small-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory])
  onTestFinished(async () => {
    await run('umount', [directory])
    await rm(directory, { recursive: true })
  })
  return directory
}

test.skipIf(process.getuid?.() !== 0)(
  'a full disk is named, changes nothing, and takes objects again when there is space (needs root)',
  async () => {
    const directory = await smallDisk()
    const storage = createEncryptedStorage(createFileStorage({ directory }), Buffer.alloc(32, 1))
    await storage.put('a', Buffer.alloc(MEBIBYTE, 1))
    await writeFile(join(directory, 'filler'), Buffer.alloc(2 * MEBIBYTE))
    const full = { code: 'disk_full', message: expect.stringContaining('Free some') }
    await expect(storage.put('a', Buffer.alloc(2 * MEBIBYTE, 2))).rejects.toMatchObject(full)
    const pieces = Array.from({ length: 20 }, () => Buffer.alloc(100_000, 2))
    await expect(storage.put('b', Readable.from(pieces))).rejects.toMatchObject(full)
    expect(await storage.get('b')).toBeNull()
    expect((await buffer((await storage.get('a'))!)).equals(Buffer.alloc(MEBIBYTE, 1))).toBe(true)
    await rm(join(directory, 'filler'))
    await storage.put('b', Buffer.alloc(2 * MEBIBYTE, 2))
    expect((await buffer((await storage.get('b'))!)).length).toBe(2 * MEBIBYTE)
  },
)
