// A segment: a run of a job's events as one compressed text, one event a line. What was put together here is taken apart
// here; which segments there are is the database's to say.
import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import type { JobEvent } from '@flowforge/protocol'
import { FlowForgeError, isFlowForgeError } from '../errors.ts'
import type { ObjectStorage } from '../storage/port.ts'
import type { SegmentRow } from '../store/event-segments.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

export interface PackedSegment {
  body: Buffer
  rawBytes: number
  rawSha256: Buffer
}

export async function packSegment(events: JobEvent[]): Promise<PackedSegment> {
  const raw = Buffer.from(events.map(event => `${JSON.stringify(event)}\n`).join(''))
  return { body: await compress(raw), rawBytes: raw.length, rawSha256: sha256(raw) }
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()

export interface Segments {
  /** All events of the segment. Fails with `storage_unavailable` or `object_damaged`. */
  read(segment: SegmentRow): Promise<JobEvent[]>
}

/** Of text; what was parsed takes some four times as much. */
const CACHE_BYTES = 8 * 1024 * 1024

/** Keeps what was read last: the pages of one reader, and many readers of one story, ask for the same segment. */
export function createSegments(storage: ObjectStorage): Segments {
  /** The one that was used last is the last. */
  const cached = new Map<string, { events: Promise<JobEvent[]>; bytes: number }>()
  let bytes = 0
  const forget = (key: string): void => {
    const found = cached.get(key)
    if (!found) return
    cached.delete(key)
    bytes -= found.bytes
  }
  return {
    read: async segment => {
      const key = segment.storage_key
      const entry = cached.get(key) ?? { events: loadSegment(storage, segment), bytes: segment.raw_bytes }
      forget(key)
      cached.set(key, entry)
      bytes += entry.bytes
      for (const oldest of cached.keys()) {
        if (bytes <= CACHE_BYTES) break
        forget(oldest)
      }
      try {
        return await entry.events
      } catch (error) {
        if (cached.get(key) === entry) forget(key)
        throw error
      }
    },
  }
}

async function loadSegment(storage: ObjectStorage, segment: SegmentRow): Promise<JobEvent[]> {
  const stored = await storage.get(segment.storage_key)
  if (!stored) throw damaged(segment, 'is not there')
  let raw: Buffer
  try {
    raw = await decompress(await buffer(stored), { maxOutputLength: segment.raw_bytes })
  } catch (error) {
    if (isFlowForgeError(error, 'storage_unavailable')) throw error
    throw damaged(segment, 'can not be opened', error)
  }
  if (!sha256(raw).equals(segment.raw_sha256)) throw damaged(segment, 'holds something else')
  return raw
    .toString()
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as JobEvent)
}

const damaged = (segment: SegmentRow, what: string, cause?: unknown) =>
  new FlowForgeError(
    'object_damaged',
    `Events ${segment.first_seq} to ${segment.last_seq} of this job can not be read: the object ${segment.storage_key} ${what}. Restore it from a backup of the object storage; later events can be read with ?after=${segment.last_seq}.`,
    { cause, details: { firstSeq: segment.first_seq, lastSeq: segment.last_seq } },
  )
