// From events to transcript entries, batch by batch: O(batch), however long the job is. Pure.
import type { StreamedEvent } from '../api/types.ts'
import type { Entry, LogEntry, RequestEntry, Row, ShownEntry, ToolEntry, VerifyEntry } from './entries.ts'
import { noticeOf } from './notices.ts'

export interface Transcript {
  entries: Entry[]
  /** Where the unfinished and the nesting ones are: positions from the root down. */
  tools: ReadonlyMap<string, readonly number[]>
  verify: readonly number[] | undefined
  /** Unfinished text by the tool use whose sub-agent writes it; '' is Claude itself. */
  typing: ReadonlyMap<string, string>
}

export const emptyTranscript: Transcript = {
  entries: [],
  tools: new Map(),
  verify: undefined,
  typing: new Map(),
}

/** A log of many lines becomes several entries: one entry is measured and drawn as a whole. */
const MAX_LOG_LINES = 200
/** Deltas are cut to what a reader can follow; the finished message has everything. */
const MAX_TYPING = 20_000

interface Draft {
  entries: Entry[]
  tools: Map<string, readonly number[]>
  verify: readonly number[] | undefined
  typing: Map<string, string>
  /** Lists copied in this batch: only they may be written to. */
  own: Set<Entry[]>
}

export function reduceTranscript(before: Transcript, events: readonly StreamedEvent[]): Transcript {
  if (events.length === 0) return before
  const draft: Draft = {
    entries: [...before.entries],
    tools: new Map(before.tools),
    verify: before.verify,
    typing: new Map(before.typing),
    own: new Set(),
  }
  draft.own.add(draft.entries)
  for (const event of events) take(draft, event)
  const { entries, tools, verify, typing } = draft
  return { entries, tools, verify, typing }
}

function take(draft: Draft, event: StreamedEvent) {
  const id = `e${event.seq ?? 0}`
  const { at } = event
  switch (event.type) {
    case 'claude.text.delta': {
      const key = event.data.parentToolUseId ?? ''
      draft.typing.set(key, ((draft.typing.get(key) ?? '') + event.data.text).slice(-MAX_TYPING))
      return
    }
    case 'claude.message':
      draft.typing.delete(event.data.parentToolUseId ?? '')
      if (event.data.text.trim() !== '') {
        add(draft, { kind: 'message', id, at, text: event.data.text }, event.data.parentToolUseId)
      }
      return
    case 'claude.tool.started': {
      const { toolUseId, name, input, parentToolUseId } = event.data
      const path = add(draft, { kind: 'tool', id, at, name, input, children: [] }, parentToolUseId)
      draft.tools.set(toolUseId, path)
      return
    }
    case 'claude.tool.finished': {
      const { toolUseId, ok, output, durationMs } = event.data
      const path = draft.tools.get(toolUseId)
      // Kept only if it nests: a sub-agent in the background may go on after its tool's answer.
      if (path && listOf(draft, path).length === 0) draft.tools.delete(toolUseId)
      if (path)
        change(draft, path, entry =>
          entry.kind === 'tool' ? { ...entry, result: { ok, output, durationMs } } : entry,
        )
      draft.typing.delete(toolUseId)
      return
    }
    case 'verify.started': {
      const { command, round, clean } = event.data
      draft.verify = add(draft, { kind: 'verify', id, at, command, round, clean })
      return
    }
    case 'verify.finished':
      finishVerify(draft, event.data, id, at)
      return
    case 'log':
      addLog(draft, event.data.stream, event.data.text, id, at)
      return
    case 'approval.requested': {
      const { requestId, kind: asks, input } = event.data
      add(draft, { kind: 'request', id, at, requestId, asks, input })
      return
    }
    case 'approval.decided': {
      const { requestId, decision, answers } = event.data
      changeRequests(
        draft,
        entry => entry.requestId === requestId,
        entry => ({ ...entry, verdict: { decision, answers } }),
      )
      return
    }
    case 'reply.received':
      // It answers what waits for nothing but words.
      changeRequests(
        draft,
        entry => entry.asks === 'reply' && !entry.verdict,
        entry => ({ ...entry, verdict: { decision: 'allow' } }),
      )
      add(draft, { kind: 'reply', id, at, text: event.data.text, by: event.data.by })
      return
    default:
      if (endsAttempt(event.type)) abandonRunning(draft)
      if (endsRequests(event.type))
        changeRequests(
          draft,
          entry => !entry.verdict && !entry.isClosed,
          entry => ({ ...entry, isClosed: true }),
        )
      for (const notice of noticeOf(event))
        add(draft, { ...notice, kind: 'notice', id, at, type: event.type })
  }
}

const endsAttempt = (type: string): boolean =>
  ['job.succeeded', 'job.failed', 'job.cancelled', 'job.retried', 'attempt.lost', 'attempt.started'].includes(
    type,
  )

/** A job that waits goes on waiting when its container is gone; these end what it asked. */
const endsRequests = (type: string): boolean =>
  ['job.succeeded', 'job.failed', 'job.cancelled', 'job.reopened', 'job.resumed'].includes(type)

/** Requests are few and stand at the root. */
function changeRequests(
  draft: Draft,
  concerns: (entry: RequestEntry) => boolean,
  how: (entry: RequestEntry) => RequestEntry,
) {
  draft.entries.forEach((entry, index) => {
    if (entry.kind === 'request' && concerns(entry)) draft.entries[index] = how(entry)
  })
}

/** The list that a parent's children go into, writable in this batch; the root if the parent is not known. */
function listOf(draft: Draft, path: readonly number[]): Entry[] {
  let list = draft.entries
  for (const index of path) {
    const entry = list[index]
    if (entry?.kind !== 'tool') return list
    let children = entry.children
    if (!draft.own.has(children)) {
      children = [...children]
      draft.own.add(children)
      list[index] = { ...entry, children }
    }
    list = children
  }
  return list
}

function add(draft: Draft, entry: Entry, parentToolUseId?: string): readonly number[] {
  const parent = (parentToolUseId && draft.tools.get(parentToolUseId)) || []
  // The nesting entry itself is new as well, or its row would not be drawn again.
  if (parent.length > 0) change(draft, parent, tool => ({ ...tool }))
  const list = listOf(draft, parent)
  list.push(entry)
  return [...parent, list.length - 1]
}

function change(draft: Draft, path: readonly number[], how: (entry: Entry) => Entry) {
  const list = listOf(draft, path.slice(0, -1))
  const index = path.at(-1) ?? 0
  const entry = list[index]
  if (entry) list[index] = how(entry)
}

function finishVerify(
  draft: Draft,
  data: VerifyEntry['result'] & { command: string; round: number; clean: boolean },
  id: string,
  at: string,
) {
  const { command, round, clean, exitCode, durationMs, output } = data
  const result = { exitCode, durationMs, output }
  const path = draft.verify
  const started = path && draft.entries[path[0] ?? -1]
  draft.verify = undefined
  if (path && started?.kind === 'verify' && started.command === command && started.clean === clean) {
    change(draft, path, entry => ({ ...(entry as VerifyEntry), result }))
  } else {
    add(draft, { kind: 'verify', id, at, command, round, clean, result })
  }
}

function addLog(draft: Draft, stream: LogEntry['stream'], text: string, id: string, at: string) {
  const lines = text.split('\n').length
  const last = draft.entries.at(-1)
  if (last?.kind === 'log' && last.stream === stream && last.lines + lines <= MAX_LOG_LINES) {
    const joined = `${last.text}${last.text.endsWith('\n') ? '' : '\n'}${text}`
    draft.entries[draft.entries.length - 1] = { ...last, text: joined, lines: last.lines + lines }
  } else {
    add(draft, { kind: 'log', id, at, stream, text, lines })
  }
}

function abandonRunning(draft: Draft) {
  draft.typing.clear()
  for (const path of [...draft.tools.values(), ...(draft.verify ? [draft.verify] : [])]) {
    change(draft, path, entry =>
      (entry.kind === 'tool' || entry.kind === 'verify') && !entry.result
        ? { ...entry, abandoned: true }
        : entry,
    )
  }
  draft.tools.clear()
  draft.verify = undefined
}

/** The rows to draw: children below their tool while it is open, what is being written at the end of its list. */
export function rowsOf(transcript: Transcript, isOpen: (entry: ToolEntry) => boolean): Row[] {
  const typingAt = new Map<string, ShownEntry>()
  for (const [parent, text] of transcript.typing) {
    const path = parent === '' ? [] : transcript.tools.get(parent)
    if (path) typingAt.set(path.join('.'), { kind: 'typing', id: `typing${path.join('.')}`, at: '', text })
  }
  const rows: Row[] = []
  const visit = (entries: readonly Entry[], depth: number, path: string) => {
    entries.forEach((entry, index) => {
      rows.push({ entry, depth })
      if (entry.kind !== 'tool' || (entry.children.length === 0 && typingAt.size === 0)) return
      if (isOpen(entry)) visit(entry.children, depth + 1, path === '' ? String(index) : `${path}.${index}`)
    })
    const typing = typingAt.get(path)
    if (typing) rows.push({ entry: typing, depth })
  }
  visit(transcript.entries, 0, '')
  return rows
}
