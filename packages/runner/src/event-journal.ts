// The runner's events on disk until the gateway has stored them: numbered JSON lines in segment files, so that a gateway
// that is away costs disk and not memory, and a restarted runner goes on with its numbers. Knows no transport.
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

interface Segment {
  file: string
  firstSeq: number
  /** Byte offset at which each line starts. */
  offsets: number[]
  bytes: number
}

export interface EventJournal {
  /** The number that the next line gets. */
  readonly nextSeq: number
  /** The oldest number that can still be read. */
  readonly oldestSeq: number
  readonly bytes: number
  append(line: string): number
  /** Lines from `seq` on, at most so many and so large together; at least one if there is one. */
  read(seq: number, maxLines: number, maxBytes: number): string[]
  /** Forgets whole segments up to this number. */
  forgetThrough(seq: number): void
  /** Goes on numbering after `seq`: the lines before it were delivered without touching a disk that is full. */
  skipThrough(seq: number): void
  close(): void
}

const NAME = /^events-(\d+)\.ndjson$/

const recover = (file: string, firstSeq: number): Segment => {
  const content = readFileSync(file)
  const offsets: number[] = []
  let start = 0
  for (let at = content.indexOf(10); at !== -1; at = content.indexOf(10, start)) {
    offsets.push(start)
    start = at + 1
  }
  // The last line of a killed runner may be half: it was never sent.
  if (start < content.length) truncateSync(file, start)
  return { file, firstSeq, offsets, bytes: start }
}

const endSeq = (segment: Segment): number => segment.firstSeq + segment.offsets.length

const segmentName = (firstSeq: number): string => `events-${String(firstSeq).padStart(12, '0')}.ndjson`

const readRange = (file: string, start: number, end: number): string => {
  const buffer = Buffer.alloc(end - start)
  const descriptor = openSync(file, 'r')
  try {
    const length = readSync(descriptor, buffer, 0, buffer.length, start)
    return buffer.toString('utf8', 0, length)
  } finally {
    closeSync(descriptor)
  }
}

export const openJournal = (directory: string, { segmentBytes }: { segmentBytes: number }): EventJournal => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const segments: Segment[] = readdirSync(directory)
    .filter(name => NAME.test(name))
    .sort()
    .map(name => recover(join(directory, name), Number(NAME.exec(name)?.[1])))

  const begin = (firstSeq: number): { segment: Segment; descriptor: number } => {
    const file = join(directory, segmentName(firstSeq))
    const segment = { file, firstSeq, offsets: [], bytes: 0 }
    const descriptor = openSync(file, 'w+', 0o600)
    segments.push(segment)
    return { segment, descriptor }
  }
  const resume = () => {
    const last = segments.at(-1)
    return last ? { segment: last, descriptor: openSync(last.file, 'r+') } : begin(1)
  }
  let { segment: current, descriptor } = resume()

  const writeAll = (line: Buffer) => {
    const start = current.bytes
    try {
      let written = 0
      while (written < line.length)
        written += writeSync(descriptor, line, written, line.length - written, start + written)
    } catch (error) {
      // A half line would be read as an event after a restart.
      truncateSync(current.file, start)
      throw error
    }
    current.offsets.push(start)
    current.bytes += line.length
  }

  const readSegment = (segment: Segment, seq: number, maxLines: number, maxBytes: number): string[] => {
    const from = seq - segment.firstSeq
    const start = segment.offsets[from] ?? segment.bytes
    let to = from
    let end = start
    while (to < segment.offsets.length && to - from < maxLines) {
      const next = segment.offsets[to + 1] ?? segment.bytes
      if (to > from && next - start > maxBytes) break
      end = next
      to += 1
    }
    const text = readRange(segment.file, start, end)
    return text === '' ? [] : text.slice(0, -1).split('\n')
  }

  return {
    get nextSeq() {
      return endSeq(current)
    },
    get oldestSeq() {
      return segments[0]?.firstSeq ?? endSeq(current)
    },
    get bytes() {
      return segments.reduce((sum, segment) => sum + segment.bytes, 0)
    },
    append(line) {
      if (current.bytes >= segmentBytes) {
        const next = begin(endSeq(current))
        closeSync(descriptor)
        current = next.segment
        descriptor = next.descriptor
      }
      writeAll(Buffer.from(`${line}\n`))
      return endSeq(current) - 1
    },
    read(seq, maxLines, maxBytes) {
      const segment = segments.findLast(candidate => candidate.firstSeq <= seq)
      return segment ? readSegment(segment, seq, maxLines, maxBytes) : []
    },
    skipThrough(seq) {
      const next = begin(seq + 1)
      closeSync(descriptor)
      current = next.segment
      descriptor = next.descriptor
    },
    forgetThrough(seq) {
      while (segments.length > 1 && segments[0] && endSeq(segments[0]) - 1 <= seq) {
        rmSync(segments[0].file, { force: true })
        segments.shift()
      }
    },
    close: () => closeSync(descriptor),
  }
}
