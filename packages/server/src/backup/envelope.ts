// The outside of a backup: one line that anybody may read, and the archive behind it, compressed and sealed. The line says what is needed to
// judge a backup before it is opened; it is bound to the archive, so that it can not be changed.
import { createHash, createHmac } from 'node:crypto'
import type { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress, createZstdDecompress } from 'node:zlib'
import { z } from 'zod'
import { FlowForgeError, isFlowForgeError } from '../errors.ts'
import { openStream, sealStream } from '../storage/sealed-stream.ts'
import { type Bytes, damaged } from './archive.ts'

const FORMAT = 1

export const BackupHeader = z.object({
  flowforgeBackup: z.literal(FORMAT),
  createdAt: z.iso.datetime(),
  /** Of FlowForge. */
  version: z.string(),
  installationId: z.string(),
  /** The migrations that the database had. */
  migrations: z.array(z.string()),
  /** Tells one master key from another, and nothing about either. */
  keyId: z.string(),
})
export type BackupHeader = z.infer<typeof BackupHeader>

const MAX_HEADER_BYTES = 64 * 1024
const NEWLINE = 0x0a

const keyIdOf = (key: Buffer): string =>
  createHmac('sha256', key).update('flowforge backup key').digest('hex').slice(0, 16)

export async function* sealBackup(
  key: Buffer,
  facts: Omit<BackupHeader, 'flowforgeBackup' | 'keyId'>,
  archive: Bytes,
): AsyncGenerator<Buffer> {
  const header: BackupHeader = { flowforgeBackup: FORMAT, ...facts, keyId: keyIdOf(key) }
  const line = Buffer.from(`${JSON.stringify(header)}\n`)
  yield line
  // Rows are text that repeats itself; sealed they could not be made smaller any more.
  yield* sealStream(key, contextOf(line), through(createZstdCompress(), archive))
}

export interface OpenedBackup {
  header: BackupHeader
  archive: AsyncGenerator<Buffer>
}

/** Throws `backup_key_wrong` or `backup_damaged`; the archive fails with the latter while it is read. */
export async function openBackup(key: Buffer, bytes: AsyncIterable<Uint8Array>): Promise<OpenedBackup> {
  const { line, rest } = await splitLine(bytes)
  const header = parseHeader(line)
  if (header.keyId !== keyIdOf(key))
    throw new FlowForgeError(
      'backup_key_wrong',
      `This backup was made with another master key (${header.keyId}; here is ${keyIdOf(key)}). Set FLOWFORGE_MASTER_KEY to the key of that installation, or put its file master-key into the data folder. Without that key a backup can not be opened by anybody.`,
    )
  return { header, archive: through(createZstdDecompress(), opened(key, contextOf(line), rest)) }
}

export async function readHeader(bytes: AsyncIterable<Uint8Array>): Promise<BackupHeader> {
  return parseHeader((await splitLine(bytes)).line)
}

async function* opened(key: Buffer, context: string, rest: Bytes): AsyncGenerator<Buffer> {
  try {
    yield* openStream(key, context, rest)
  } catch (error) {
    throw isFlowForgeError(error, 'object_damaged') ? damaged('it was changed or cut', error) : error
  }
}

/** Fails with what the bytes fail with. */
async function* through(transform: Transform, bytes: Bytes): AsyncGenerator<Buffer> {
  const passed = pipeline(bytes, transform)
  // The reader of the transform gets the same error.
  passed.catch(() => {})
  yield* transform as AsyncIterable<Buffer>
  await passed
}

const contextOf = (line: Buffer): string => `backup/${createHash('sha256').update(line).digest('hex')}`

function parseHeader(line: Buffer): BackupHeader {
  let value: unknown
  try {
    value = JSON.parse(line.toString('utf8'))
  } catch (error) {
    throw damaged('it does not begin like one', error)
  }
  const parsed = BackupHeader.safeParse(value)
  if (parsed.success) return parsed.data
  const format = (value as { flowforgeBackup?: unknown } | null)?.flowforgeBackup
  if (typeof format === 'number' && format > FORMAT)
    throw new FlowForgeError(
      'version_unsupported',
      `This backup has form ${format}, this version reads form ${FORMAT}. Restore it with the version that made it, or a newer one.`,
    )
  throw damaged('it does not begin like one', parsed.error)
}

async function splitLine(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ line: Buffer; rest: AsyncIterable<Uint8Array> }> {
  const pieces = bytes[Symbol.asyncIterator]()
  let read: Buffer = Buffer.alloc(0)
  for (;;) {
    const end = read.indexOf(NEWLINE)
    if (end >= 0) {
      const rest = async function* () {
        yield read.subarray(end + 1)
        yield* { [Symbol.asyncIterator]: () => pieces }
      }
      return { line: read.subarray(0, end + 1), rest: rest() }
    }
    const { value, done } = await pieces.next()
    if (done || read.length > MAX_HEADER_BYTES) throw damaged('it does not begin like one')
    read = Buffer.concat([read, value])
  }
}
