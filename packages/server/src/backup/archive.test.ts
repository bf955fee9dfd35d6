import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Entry, readArchive, writeArchive } from './archive.ts'
import { openBackup, sealBackup } from './envelope.ts'

const KEY = Buffer.alloc(32, 1)
const FACTS = {
  createdAt: new Date(0).toISOString(),
  version: '1',
  installationId: 'i',
  migrations: ['0001'],
}

const entriesOf = async function* (contents: Uint8Array[][]): AsyncGenerator<Entry> {
  for (const [index, body] of contents.entries()) yield { name: `objects/${index}`, body }
}

const written = async (contents: Uint8Array[][]): Promise<Buffer> =>
  Buffer.concat(
    await Array.fromAsync(
      sealBackup(
        KEY,
        FACTS,
        writeArchive(entriesOf(contents), () => ({ some: 'facts' })),
      ),
    ),
  )

/** In pieces of the given size, as a disk or a network gives them. */
async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(bytes: Buffer, pieceSize = 100_000, key = KEY) {
  const { header, archive } = await openBackup(key, pieces(bytes, pieceSize))
  const reader = readArchive<{ some: string }>(archive)
  const contents: Buffer[] = []
  for await (const { body } of reader.entries()) contents.push(Buffer.concat(await Array.fromAsync(body)))
  return { header, contents, manifest: reader.manifest() }
}

test('what was written is read, whatever pieces it comes in', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 500 }),
      async (contents, pieceSize) => {
        const { contents: got, manifest, header } = await read(await written(contents), pieceSize)
        expect(got).toEqual(contents.map(body => Buffer.concat(body)))
        expect(manifest).toMatchObject({ some: 'facts', totals: { entries: contents.length } })
        expect(header).toMatchObject(FACTS)
      },
    ),
    { numRuns: 50 },
  )
})

test('an entry that is larger than a frame is read whole', async () => {
  const large = randomBytes(5 * 1024 ** 2)
  expect((await read(await written([[large]]))).contents[0]!.equals(large)).toBe(true)
})

test('wherever one bit is turned, or the end is cut off, it is noticed', async () => {
  const bytes = await written([[Buffer.from('one')], [Buffer.from('two')]])
  for (let at = 0; at < bytes.length; at += 7) {
    const turned = Buffer.from(bytes)
    turned[at]! ^= 4
    await expect(read(turned)).rejects.toMatchObject({
      code: expect.stringMatching(/^backup_(damaged|key_wrong)$|^version_unsupported$/),
    })
    await expect(read(bytes.subarray(0, at))).rejects.toMatchObject({ code: 'backup_damaged' })
  }
})

test('another key is told apart from damage', async () => {
  const bytes = await written([[Buffer.from('one')]])
  await expect(read(bytes, 1000, Buffer.alloc(32, 2))).rejects.toMatchObject({ code: 'backup_key_wrong' })
})

test('a reader may leave an entry, and gets the next one', async () => {
  const bytes = await written([[randomBytes(3 * 1024 ** 2)], [Buffer.from('two')]])
  const { archive } = await openBackup(KEY, pieces(bytes, 10_000))
  const reader = readArchive(archive)
  const seen: string[] = []
  for await (const { name, body } of reader.entries()) {
    if (name === 'objects/1') seen.push(Buffer.concat(await Array.fromAsync(body)).toString())
  }
  expect(seen).toEqual(['two'])
  expect(reader.manifest()).toMatchObject({ totals: { entries: 2 } })
})

test('a body that fails fails the backup with its own error', async () => {
  const broken = async function* () {
    yield Buffer.from('one')
    throw new Error('the disk is gone')
  }
  const entries = async function* (): AsyncGenerator<Entry> {
    yield { name: 'objects/1', body: broken() }
  }
  await expect(
    Array.fromAsync(
      sealBackup(
        KEY,
        FACTS,
        writeArchive(entries(), () => ({})),
      ),
    ),
  ).rejects.toThrow('the disk is gone')
})
