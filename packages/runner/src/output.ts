// Turns the raw output of a command into log texts and keeps its tail: any bytes, any line length, bounded memory.
import { cleanText, cutStart } from './text.ts'

export type OutputStream = 'stdout' | 'stderr'

export interface OutputLimits {
  /** Longest line that is passed on; the rest of it is counted and dropped. */
  lineChars: number
  /** Size at which collected lines become one log text. */
  textChars: number
  /** After so much of one command only counting goes on; the tail still has the end. */
  totalChars: number
  tailChars: number
}

export const OUTPUT_LIMITS: OutputLimits = {
  lineChars: 16 * 1024,
  textChars: 32 * 1024,
  totalChars: 8 * 1024 * 1024,
  tailChars: 16 * 1024,
}

/** Cuts over-long lines while text streams through, without holding more than it passes on. */
const createLineCutter = (lineChars: number) => {
  let column = 0
  let dropped = 0
  const note = () => {
    const text = dropped > 0 ? `… [${dropped} more characters of this line cut]` : ''
    dropped = 0
    return text
  }
  const cutPiece = (piece: string): string => {
    const room = Math.max(0, lineChars - column)
    column += piece.length
    if (piece.length <= room) return piece
    dropped += piece.length - room
    return piece.slice(0, room)
  }
  return {
    cut(text: string): string {
      const parts: string[] = []
      let from = 0
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
        parts.push(cutPiece(text.slice(from, at)), note(), '\n')
        column = 0
        from = at + 1
      }
      parts.push(cutPiece(text.slice(from)))
      return parts.join('')
    },
    end: note,
  }
}

const createTail = (maxChars: number) => {
  let text = ''
  let dropped = 0
  return {
    add(more: string) {
      text += more
      // Trimmed only now and then: a slice per chunk would copy the tail again and again.
      if (text.length <= maxChars * 4) return
      dropped += text.length - maxChars
      text = text.slice(-maxChars)
    },
    read(): string {
      const cut = cutStart(text, maxChars)
      return dropped > 0 && cut === text ? `[${dropped} characters cut] …${text}` : cut
    },
  }
}

export interface OutputCollector {
  write(stream: OutputStream, chunk: Buffer): void
  /** Passes on what waits for more; call it now and then, and at the end. */
  flush(): void
  end(): void
  /** The last part of stdout and stderr together, as they came. */
  tail(): string
}

export const createOutputCollector = (
  emit: (stream: OutputStream, text: string) => void,
  limits: OutputLimits = OUTPUT_LIMITS,
): OutputCollector => {
  const tail = createTail(limits.tailChars)
  let passed = 0
  let withheld = 0
  const channel = (stream: OutputStream) => {
    // Decodes across chunk borders; what is no UTF-8 becomes U+FFFD.
    const decoder = new TextDecoder('utf-8', { fatal: false })
    const cutter = createLineCutter(limits.lineChars)
    let pending = ''
    const flush = () => {
      if (pending !== '') emit(stream, pending)
      pending = ''
    }
    const take = (raw: string) => {
      const text = cleanText(raw)
      tail.add(text)
      const room = limits.totalChars - passed
      if (room <= 0) {
        withheld += text.length
        return
      }
      const cut = cutter.cut(text)
      passed += cut.length
      pending += cut
      if (pending.length >= limits.textChars) flush()
    }
    return {
      flush,
      write: (chunk: Buffer) => take(decoder.decode(chunk, { stream: true })),
      end: () => {
        take(decoder.decode())
        pending += cutter.end()
        flush()
      },
    }
  }
  const channels = { stdout: channel('stdout'), stderr: channel('stderr') }
  return {
    write: (stream, chunk) => channels[stream].write(chunk),
    flush: () => {
      channels.stdout.flush()
      channels.stderr.flush()
    },
    end: () => {
      channels.stdout.end()
      channels.stderr.end()
      if (withheld > 0)
        emit('stdout', `\n… [${withheld} more characters of output not shown]\n${tail.read()}`)
    },
    tail: () => tail.read(),
  }
}
