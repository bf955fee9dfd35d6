import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeStorageContract } from './contract.ts'
import { createEncryptedStorage } from './encrypted.ts'
import { createS3Storage } from './s3.ts'
import { noS3Server, startTestS3Server, type TestS3Server } from './testing-s3-server.ts'

describe.skipIf(noS3Server !== null)(`object storage in S3${noS3Server ? ` (${noS3Server})` : ''}`, () => {
  let server: TestS3Server
  beforeAll(async () => {
    server = await startTestS3Server()
  })
  afterAll(() => server?.close())
  const open = (changes: Partial<TestS3Server['options']> = {}) =>
    createS3Storage({ ...server.options, ...changes })

  describeStorageContract('S3', async () => ({ storage: open(), otherProcess: open() }))

  describeStorageContract('S3 below a prefix, encrypted', async () => {
    const encrypted = () => createEncryptedStorage(open({ prefix: 'flow/forge/' }), Buffer.alloc(32, 7))
    return { storage: encrypted(), otherProcess: encrypted() }
  })

  test('a prefix keeps two installations in one bucket apart', async () => {
    const [one, other] = [open({ prefix: 'one/' }), open({ prefix: 'other/' })]
    await one.put('a', Buffer.from('a'))
    expect(await other.get('a')).toBeNull()
    expect(await Array.fromAsync(other.list(''))).toEqual([])
    expect(await readdir(join(server.directory, 'one'))).toEqual(['a'])
  })

  test.each([
    [
      'a wrong secret',
      { credentials: { accessKeyId: 'flowforge', secretAccessKey: 'wrong' } },
      'AWS_SECRET_ACCESS_KEY',
    ],
    ['an unknown key', { credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } }, 'AWS_ACCESS_KEY_ID'],
    ['a bucket that is not there', { bucket: 'no-such-bucket' }, 'Make the bucket'],
  ])('%s is named with what to do', async (_what, changes, advice) => {
    const storage = open(changes)
    const refused = { code: 'storage_unavailable', message: expect.stringContaining(advice) }
    await expect(storage.put('a', Buffer.from('a'))).rejects.toMatchObject(refused)
    await expect(Array.fromAsync(storage.list(''))).rejects.toMatchObject(refused)
    expect(await storage.check()).toMatchObject({ ok: false, problem: expect.stringContaining(advice) })
  })

  test('a server that is away is named, and when it is back everything is there', async () => {
    const storage = open({ prefix: 'away/' })
    await storage.put('a', Buffer.from('a'))
    await server.stop()
    const away = { code: 'storage_unavailable', message: expect.stringContaining('try again') }
    await expect(storage.get('a')).rejects.toMatchObject(away)
    await expect(storage.delete(['a'])).rejects.toMatchObject(away)
    await server.start()
    expect(await storage.get('a')).not.toBeNull()
  })
})
