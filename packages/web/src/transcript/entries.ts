// The entries of a transcript: what a reader sees of a job's events. Types and the few questions asked of them; pure.

interface Base {
  /** Stable over updates: the key of its row and of its open state. */
  id: string
  at: string
}

export interface MessageEntry extends Base {
  kind: 'message'
  text: string
}

export interface ToolEntry extends Base {
  kind: 'tool'
  name: string
  input: unknown
  result?: { ok: boolean; output: string; durationMs: number }
  /** Set when the attempt ended while the tool ran: there will be no result. */
  abandoned?: true
  /** What a sub-agent did that this tool started. */
  children: Entry[]
}

export interface VerifyEntry extends Base {
  kind: 'verify'
  command: string
  round: number
  clean: boolean
  result?: { exitCode: number; durationMs: number; output: string }
  abandoned?: true
}

export interface LogEntry extends Base {
  kind: 'log'
  stream: 'stdout' | 'stderr' | 'system'
  text: string
  lines: number
}

export type NoticeTone = 'quiet' | 'info' | 'good' | 'warning' | 'bad'

export interface NoticeEntry extends Base {
  kind: 'notice'
  /** The event's type: chooses the icon. */
  type: string
  tone: NoticeTone
  title: string
  detail?: string
}

export interface ReplyEntry extends Base {
  kind: 'reply'
  text: string
  by?: string
}

/** Something that Claude asked of a person. */
export interface RequestEntry extends Base {
  kind: 'request'
  requestId: string
  asks: 'question' | 'plan' | 'tool' | 'reply'
  input: unknown
  verdict?: { decision: 'allow' | 'deny'; answers?: Record<string, string | string[]> | undefined }
  /** Nobody decides it any more. */
  isClosed?: true
}

/** What Claude is writing right now; replaced by the finished message. */
export interface TypingEntry extends Base {
  kind: 'typing'
  text: string
}

export type Entry =
  | MessageEntry
  | ToolEntry
  | VerifyEntry
  | LogEntry
  | NoticeEntry
  | ReplyEntry
  | RequestEntry
export type ShownEntry = Entry | TypingEntry

export interface Row {
  entry: ShownEntry
  depth: number
}

export const isRunning = (entry: ToolEntry | VerifyEntry): boolean => !entry.result && !entry.abandoned
