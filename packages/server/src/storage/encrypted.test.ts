import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { createEncryptedStorage } from './encrypted.ts'
import { createFileStorage } from './files.ts'
import type { ObjectStorage } from './port.ts'

const KEY = Buffer.alloc(32, 1)
const PIECE = 64 * 1024
let directory: string
let storage: ObjectStorage

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ff-encrypted-'))
  const made = directory
  onTestFinished(() => rm(made, { recursive: true }))
  storage = createEncryptedStorage(createFileStorage({ directory }), KEY)
})

const read = async (key: string, from = storage): Promise<Buffer> => buffer((await from.get(key))!)
const DAMAGED = { code: 'object_damaged', message: expect.stringContaining('The stored object a ') }

test('whatever its size, an object opens to what was put', async () => {
  const sizes = [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 16, 3 * PIECE - 1]
  for (const size of sizes) {
    const body = randomBytes(size)
    await storage.put('a', body)
    expect((await read('a')).equals(body)).toBe(true)
  }
})

test('what lies there shows nothing of what was put, and looks different each time', async () => {
  const body = Buffer.from('the secret of the organization')
  await storage.put('a', body)
  const first = await readFile(join(directory, 'a'))
  await storage.put('a', body)
  const second = await readFile(join(directory, 'a'))
  expect(first.includes(body)).toBe(false)
  expect(first.equals(second)).toBe(false)
})

test('one turned bit, anywhere, is noticed', async () => {
  const body = randomBytes(2 * PIECE + 100)
  await storage.put('a', body)
  const stored = await readFile(join(directory, 'a'))
  await fc.assert(
    fc.asyncProperty(fc.nat(stored.length - 1), fc.nat(7), async (at, bit) => {
      const changed = Buffer.from(stored)
      changed[at]! ^= 1 << bit
      await writeFile(join(directory, 'a'), changed)
      await expect(read('a')).rejects.toMatchObject(DAMAGED)
    }),
    { numRuns: 40 },
  )
})

test('a cut is noticed, also between two pieces and at the very end', async () => {
  await storage.put('a', randomBytes(2 * PIECE))
  const stored = await readFile(join(directory, 'a'))
  for (const length of [0, 3, 36, 36 + PIECE + 16, stored.length - 1]) {
    await writeFile(join(directory, 'a'), stored.subarray(0, length))
    await expect(read('a')).rejects.toMatchObject(DAMAGED)
  }
})

test('pieces that change places are noticed', async () => {
  await storage.put('a', randomBytes(3 * PIECE))
  const stored = await readFile(join(directory, 'a'))
  const piece = (number: number) => {
    const at = 36 + number * (PIECE + 16)
    return stored.subarray(at, at + PIECE + 16)
  }
  await writeFile(
    join(directory, 'a'),
    Buffer.concat([stored.subarray(0, 36), piece(1), piece(0), stored.subarray(36 + 2 * (PIECE + 16))]),
  )
  await expect(read('a')).rejects.toMatchObject(DAMAGED)
})

test('an object does not open under another key name, nor with another master key', async () => {
  await storage.put('b', randomBytes(100))
  await writeFile(join(directory, 'a'), await readFile(join(directory, 'b')))
  await expect(read('a')).rejects.toMatchObject(DAMAGED)
  const other = createEncryptedStorage(createFileStorage({ directory }), Buffer.alloc(32, 2))
  await expect(read('b', other)).rejects.toMatchObject({ code: 'object_damaged' })
})
