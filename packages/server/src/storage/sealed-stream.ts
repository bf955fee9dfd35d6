// A stream that shows nothing and can not be changed or cut unnoticed: a head (form, salt) and pieces of 64 KiB, each sealed
// with AES-256-GCM under a key of this stream alone; a piece's nonce is its number and whether it is the last (the STREAM
// construction: Hoang, Reyhanitabar, Rogaway, Vizár 2015), so that it can be checked while it comes.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { FlowForgeError } from '../errors.ts'

const FORM = Buffer.from('FFO1')
const SALT_BYTES = 32
const HEAD_BYTES = FORM.length + SALT_BYTES
const PIECE_BYTES = 64 * 1024
const TAG_BYTES = 16

export type Bytes = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** `name`: what the stream belongs to; under another it does not open. */
export async function* sealStream(key: Buffer, name: string, body: Bytes): AsyncGenerator<Buffer> {
  const salt = randomBytes(SALT_BYTES)
  yield Buffer.concat([FORM, salt])
  const objectKey = deriveKey(key, salt, name)
  let number = 0
  for await (const { piece, last } of inPieces(body, PIECE_BYTES)) {
    const cipher = createCipheriv('aes-256-gcm', objectKey, nonce(number++, last))
    yield Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()])
  }
}

/** Fails with `object_damaged`; what it has given until then was whole. */
export async function* openStream(key: Buffer, name: string, sealed: Bytes): AsyncGenerator<Buffer> {
  const { head, rest } = await splitHead(sealed)
  if (head.length < HEAD_BYTES || !head.subarray(0, FORM.length).equals(FORM)) throw damaged(name)
  const objectKey = deriveKey(key, head.subarray(FORM.length), name)
  let number = 0
  for await (const { piece, last } of inPieces(rest, PIECE_BYTES + TAG_BYTES)) {
    if (piece.length < TAG_BYTES) throw damaged(name)
    try {
      const decipher = createDecipheriv('aes-256-gcm', objectKey, nonce(number++, last), {
        authTagLength: TAG_BYTES,
      }).setAuthTag(piece.subarray(-TAG_BYTES))
      const opened = decipher.update(piece.subarray(0, -TAG_BYTES))
      decipher.final()
      yield opened
    } catch (error) {
      throw damaged(name, error)
    }
  }
}

const deriveKey = (key: Buffer, salt: Buffer, name: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, `flowforge/object/${name}`, 32))

/** No two pieces of an object have the same, and no two objects the same key. */
function nonce(number: number, last: boolean): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32BE(number, 7)
  bytes[11] = last ? 1 : 0
  return bytes
}

/** Cuts into pieces of one size; the last is what remains, also when that is nothing. */
async function* inPieces(body: Bytes, size: number): AsyncGenerator<{ piece: Buffer; last: boolean }> {
  let waiting: Buffer[] = []
  let length = 0
  for await (const bytes of body) {
    waiting.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    length += bytes.byteLength
    if (length <= size) continue
    let all = Buffer.concat(waiting)
    // One byte more than a piece must be there: only then is it certain that it is not the last.
    for (; all.length > size; all = all.subarray(size)) yield { piece: all.subarray(0, size), last: false }
    waiting = [all]
    length = all.length
  }
  yield { piece: Buffer.concat(waiting), last: true }
}

async function splitHead(sealed: Bytes): Promise<{ head: Buffer; rest: AsyncIterable<Uint8Array> }> {
  const pieces = iterate(sealed)
  let read: Buffer = Buffer.alloc(0)
  while (read.length < HEAD_BYTES) {
    const { value, done } = await pieces.next()
    if (done) break
    read = Buffer.concat([read, value])
  }
  const rest = async function* () {
    yield read.subarray(HEAD_BYTES)
    yield* { [Symbol.asyncIterator]: () => pieces }
  }
  return { head: read.subarray(0, HEAD_BYTES), rest: rest() }
}

async function* iterate(bytes: Bytes): AsyncGenerator<Uint8Array> {
  yield* bytes
}

const damaged = (name: string, cause?: unknown) =>
  new FlowForgeError(
    'object_damaged',
    `The stored object ${name} was changed or cut, or belongs to another master key. Restore it from a backup, or set FLOWFORGE_MASTER_KEY to the key it was stored with.`,
    { cause },
  )
