import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { describeStorageContract } from './contract.ts'
import { createEncryptedStorage } from './encrypted.ts'
import { createFileStorage } from './files.ts'

const directories: string[] = []
const newDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'ff-objects-'))
  directories.push(directory)
  return directory
}
afterAll(() => Promise.all(directories.map(directory => rm(directory, { recursive: true }))))

describeStorageContract('files', async () => {
  const directory = await newDirectory()
  return { storage: createFileStorage({ directory }), otherProcess: createFileStorage({ directory }) }
})

describeStorageContract('files, encrypted', async () => {
  const directory = await newDirectory()
  const open = () => createEncryptedStorage(createFileStorage({ directory }), Buffer.alloc(32, 7))
  return { storage: open(), otherProcess: open() }
})

test('an object can be read by its owner alone', async () => {
  const directory = await newDirectory()
  await createFileStorage({ directory }).put('a/b', Buffer.from('secret'))
  expect((await stat(join(directory, 'a/b'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(directory, 'a'))).mode & 0o777).toBe(0o700)
})

test('a folder that lost its last object goes, so that deleting leaves nothing', async () => {
  const directory = await newDirectory()
  const storage = createFileStorage({ directory })
  await storage.put('events/one/a', Buffer.from('a'))
  await storage.delete(['events/one/a'])
  expect(await readdir(directory)).toEqual(['@drafts'])
})

test('what a process that died left half written is removed later, and is never listed', async () => {
  const directory = await newDirectory()
  const storage = createFileStorage({ directory })
  await mkdir(join(directory, '@drafts'))
  await writeFile(join(directory, '@drafts/old'), 'half')
  await writeFile(join(directory, '@drafts/new'), 'half')
  const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1000)
  await utimes(join(directory, '@drafts/old'), longAgo, longAgo)
  expect(await Array.fromAsync(storage.list(''))).toEqual([])
  await storage.check()
  expect(await readdir(join(directory, '@drafts'))).toEqual(['new'])
})

test('where the folder can not be used, each call says so in one sentence', async () => {
  const directory = await newDirectory()
  await writeFile(join(directory, 'file'), '')
  const storage = createFileStorage({ directory: join(directory, 'file') })
  await expect(storage.put('a', Buffer.from('a'))).rejects.toMatchObject({
    code: 'storage_unavailable',
    message: expect.stringContaining('See that the disk is there'),
  })
  expect(await storage.check()).toMatchObject({
    ok: false,
    problem: expect.stringContaining('can not be used'),
  })
})
