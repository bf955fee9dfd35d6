// The contract of object storage as tests, one for each sentence of `port.ts`. Every adapter runs it, bare and encrypted.
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ObjectStorage } from './port.ts'

export interface StorageHarness {
  storage: ObjectStorage
  /** The same objects seen by another process. */
  otherProcess: ObjectStorage
}

/** More than one part of an upload in parts, and no whole number of anybody's pieces. */
const LARGE_BYTES = 12 * 1024 * 1024 + 13

export function describeStorageContract(name: string, createHarness: () => Promise<StorageHarness>): void {
  describe(`the contract of object storage: ${name}`, () => {
    let storage: ObjectStorage
    let otherProcess: ObjectStorage
    let tests = 0
    /** Keys of one test do not meet those of another. */
    let own = ''
    const contents = async (key: string, of = storage): Promise<Buffer | null> => {
      const found = await of.get(key)
      return found && buffer(found)
    }
    const keys = async (prefix: string) => (await Array.fromAsync(storage.list(prefix))).map(({ key }) => key)
    const start = () => {
      tests += 1
      own = `t${tests}`
    }

    beforeAll(async () => {
      ;({ storage, otherProcess } = await createHarness())
    })

    test('what was put is what is got, also by another process', async () => {
      start()
      await storage.put(`${own}/a`, Buffer.from('first'))
      expect(await contents(`${own}/a`, otherProcess)).toEqual(Buffer.from('first'))
    })

    test('an empty object is an object', async () => {
      start()
      await storage.put(`${own}/empty`, Buffer.alloc(0))
      expect(await contents(`${own}/empty`)).toEqual(Buffer.alloc(0))
    })

    test('a second put replaces the first', async () => {
      start()
      await storage.put(`${own}/a`, Buffer.from('a longer first'))
      await storage.put(`${own}/a`, Buffer.from('second'))
      expect(await contents(`${own}/a`)).toEqual(Buffer.from('second'))
    })

    test('a large object of unknown size comes back byte for byte', async () => {
      start()
      const body = randomBytes(LARGE_BYTES)
      const pieces = function* () {
        for (let at = 0; at < body.length; at += 100_000) yield body.subarray(at, at + 100_000)
      }
      await storage.put(`${own}/large`, Readable.from(pieces(), { objectMode: false }))
      expect((await contents(`${own}/large`))!.equals(body)).toBe(true)
    })

    test('a body that breaks leaves what was there before, and its own error is told', async () => {
      start()
      await storage.put(`${own}/a`, Buffer.from('before'))
      const breaking = async function* () {
        yield randomBytes(6 * 1024 * 1024)
        throw new Error('the body broke')
      }
      await expect(storage.put(`${own}/a`, Readable.from(breaking(), { objectMode: false }))).rejects.toThrow(
        'the body broke',
      )
      expect(await contents(`${own}/a`)).toEqual(Buffer.from('before'))
      expect(await keys(`${own}/`)).toEqual([`${own}/a`])
    })

    test('of two puts at once one wins whole', async () => {
      start()
      const [one, other] = [randomBytes(300_000), randomBytes(200_000)]
      await Promise.all([storage.put(`${own}/a`, one), otherProcess.put(`${own}/a`, other)])
      const found = (await contents(`${own}/a`))!
      expect(found.equals(one) || found.equals(other)).toBe(true)
    })

    test('what is not there is null', async () => {
      start()
      expect(await storage.get(`${own}/nothing`)).toBeNull()
      await storage.put(`${own}/folder/a`, Buffer.from('a'))
      expect(await storage.get(`${own}/folder`)).toBeNull()
    })

    test('a list has the objects of the prefix, whole folders or not, in the order of their keys', async () => {
      start()
      const names = ['a', 'b-c', 'b/c', 'b/d/e', 'bc', 'c']
      for (const name of names.toReversed()) await storage.put(`${own}/${name}`, Buffer.from(name))
      expect(await keys(`${own}/`)).toEqual(names.map(name => `${own}/${name}`))
      expect(await keys(`${own}/b`)).toEqual(['b-c', 'b/c', 'b/d/e', 'bc'].map(name => `${own}/${name}`))
      expect(await keys(`${own}/b/`)).toEqual([`${own}/b/c`, `${own}/b/d/e`])
      expect(await keys(`${own}/x`)).toEqual([])
    })

    test('a list tells size and time', async () => {
      start()
      await storage.put(`${own}/a`, randomBytes(1000))
      const [found] = await Array.fromAsync(storage.list(`${own}/`))
      expect(found!.sizeBytes).toBeGreaterThanOrEqual(1000)
      expect(found!.sizeBytes).toBeLessThan(1200)
      expect(Math.abs(found!.modifiedAt.getTime() - Date.now())).toBeLessThan(60_000)
    })

    test('what was deleted is gone, its neighbours are not, and a second delete does no harm', async () => {
      start()
      for (const name of ['a', 'b/a', 'b/b']) await storage.put(`${own}/${name}`, Buffer.from(name))
      await storage.delete([`${own}/a`, `${own}/b/a`, `${own}/never`])
      await storage.delete([`${own}/a`])
      expect(await keys(`${own}/`)).toEqual([`${own}/b/b`])
      expect(await storage.get(`${own}/a`)).toBeNull()
    })

    test('more can be deleted at once than one request takes', async () => {
      start()
      await storage.put(`${own}/z`, Buffer.from('z'))
      await storage.delete([...Array.from({ length: 1100 }, (_, index) => `${own}/n${index}`), `${own}/z`])
      expect(await keys(`${own}/`)).toEqual([])
    })

    test.each([
      '',
      '/a',
      'a/',
      'a//b',
      '../a',
      'a/../b',
      'a/.',
      'a b',
      'a\0',
      'ä',
      '@drafts/a',
      'a'.repeat(600),
    ])('the key %j is refused', async key => {
      await expect(storage.put(key, Buffer.from('x'))).rejects.toThrow('not a key')
      await expect(storage.get(key)).rejects.toThrow('not a key')
      await expect(storage.delete([key])).rejects.toThrow('not a key')
    })

    test('an object that is given up before its end holds nothing up', async () => {
      start()
      await storage.put(`${own}/a`, randomBytes(1_000_000))
      for (let turn = 0; turn < 20; turn += 1) (await storage.get(`${own}/a`))!.destroy()
      expect((await contents(`${own}/a`))!.length).toBe(1_000_000)
    })

    test('the check uses it, says what it is and leaves nothing behind', async () => {
      expect(await storage.check()).toEqual({ ok: true, summary: expect.stringMatching(/files|S3/) })
      expect(await keys('checks/')).toEqual([])
    })
  })
}
