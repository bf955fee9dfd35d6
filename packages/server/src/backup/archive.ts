// The inside of a backup: entries one after the other, each with its size and checksum behind it, and a manifest at the end,
// since what streams by has no size before it has passed. It knows bytes, not what they mean, and holds none of them long.
import { createHash } from 'node:crypto'
import { FlowForgeError } from '../errors.ts'

export type Bytes = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

export interface Entry {
  /** Such as `database/jobs`, `repositories/ID`, `objects/KEY`. */
  name: string
  body: Bytes
}

/** What the manifest says of all entries together. */
export interface Totals {
  entries: number
  sizeBytes: number
  /** Over the names and checksums of the entries, in their order. */
  sha256: string
}

export type Manifest<Facts> = Facts & { totals: Totals }

/** Each frame: its kind (1 byte), the length of what follows (4 bytes), and that. */
const FRAME = { begin: 1, data: 2, end: 3, manifest: 4 } as const
const HEAD_BYTES = 5
/** Nothing is written in larger ones; whoever reads takes no more into memory. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024
const DATA_BYTES = 1024 * 1024

/** `facts` is asked for last: what only became known while the entries were written. */
export async function* writeArchive<Facts extends object>(
  entries: AsyncIterable<Entry>,
  facts: () => Facts,
): AsyncGenerator<Buffer> {
  const totals = createTotals()
  for await (const { name, body } of entries) {
    yield frame(FRAME.begin, json({ name }))
    const hash = createHash('sha256')
    let sizeBytes = 0
    for await (const bytes of body) {
      hash.update(bytes)
      sizeBytes += bytes.byteLength
      for (let at = 0; at < bytes.byteLength; at += DATA_BYTES)
        yield frame(FRAME.data, bytes.subarray(at, at + DATA_BYTES))
    }
    const end = { sizeBytes, sha256: hash.digest('hex') }
    yield frame(FRAME.end, json(end))
    totals.add(name, end)
  }
  yield frame(FRAME.manifest, json({ ...facts(), totals: totals.value() }))
}

export interface ArchiveReader<Facts> {
  /** Each body is read to its end before the next entry comes; what the reader leaves of it is skipped. */
  entries(): AsyncGenerator<Entry>
  /** After the last entry. Throws `backup_damaged` when an entry is not what the manifest says. */
  manifest(): Manifest<Facts>
}

export function readArchive<Facts>(bytes: Bytes): ArchiveReader<Facts> {
  const frames = readFrames(bytes)
  const seen = createTotals()
  let manifest: Manifest<Facts> | undefined

  async function* body(name: string): AsyncGenerator<Buffer> {
    const hash = createHash('sha256')
    let sizeBytes = 0
    for (;;) {
      const { kind, payload } = await next(frames)
      if (kind === FRAME.end) {
        const end = { sizeBytes, sha256: hash.digest('hex') }
        if (payload.toString('utf8') !== JSON.stringify(end)) throw damaged(`${name} is not what was written`)
        return seen.add(name, end)
      }
      if (kind !== FRAME.data) throw damaged('its entries are mixed up')
      hash.update(payload)
      sizeBytes += payload.length
      yield payload
    }
  }

  return {
    entries: async function* () {
      for (;;) {
        const { kind, payload } = await next(frames)
        if (kind === FRAME.manifest) {
          manifest = JSON.parse(payload.toString('utf8')) as Manifest<Facts>
          return
        }
        if (kind !== FRAME.begin) throw damaged('its entries are mixed up')
        const { name } = JSON.parse(payload.toString('utf8')) as { name: string }
        const rest = body(name)
        yield { name, body: unclosed(rest) }
        for await (const _ of rest);
      }
    },
    manifest: () => {
      if (!manifest) throw damaged('its end is missing')
      if (JSON.stringify(manifest.totals) !== JSON.stringify(seen.value()))
        throw damaged('its entries are not those of its manifest')
      return manifest
    },
  }
}

/** A reader that stops early does not end what lies beneath it: the rest is to be skipped, not lost. */
const unclosed = <T>(iterator: AsyncGenerator<T>): AsyncIterable<T> => ({
  [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }),
})

function createTotals() {
  const hash = createHash('sha256')
  let [entries, sizeBytes] = [0, 0]
  return {
    add: (name: string, end: { sizeBytes: number; sha256: string }): void => {
      entries += 1
      sizeBytes += end.sizeBytes
      hash.update(`${name}\n${end.sha256}\n`)
    },
    value: (): Totals => ({ entries, sizeBytes, sha256: hash.copy().digest('hex') }),
  }
}

interface Frame {
  kind: number
  payload: Buffer
}

async function next(frames: AsyncGenerator<Frame>): Promise<Frame> {
  const { value, done } = await frames.next()
  if (done) throw damaged('its end is missing')
  return value
}

async function* readFrames(bytes: Bytes): AsyncGenerator<Frame> {
  let pieces: Buffer[] = []
  let [held, wanted] = [0, HEAD_BYTES]
  for await (const piece of bytes) {
    pieces.push(asBuffer(piece))
    held += piece.byteLength
    // Put together once for each frame: pieces are small and frames are not.
    if (held < wanted) continue
    let all = Buffer.concat(pieces)
    for (wanted = HEAD_BYTES; all.length >= HEAD_BYTES; wanted = HEAD_BYTES) {
      const length = all.readUInt32BE(1)
      if (length > MAX_FRAME_BYTES) throw damaged('a part of it is too large')
      wanted = HEAD_BYTES + length
      if (all.length < wanted) break
      yield { kind: all[0]!, payload: all.subarray(HEAD_BYTES, wanted) }
      all = all.subarray(wanted)
    }
    pieces = [all]
    held = all.length
  }
  if (held > 0) throw damaged('its end is missing')
}

function frame(kind: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head[0] = kind
  head.writeUInt32BE(payload.byteLength, 1)
  return Buffer.concat([head, payload])
}

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value))
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const damaged = (how: string, cause?: unknown): FlowForgeError =>
  new FlowForgeError(
    'backup_damaged',
    `This backup can not be used: ${how}. Nothing was changed; take another one (flowforge backup list).`,
    { cause },
  )
