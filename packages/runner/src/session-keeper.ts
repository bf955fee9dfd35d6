// Sends the conversation to the gateway, so that another container can go on with it: at the end of each turn, when Claude
// asks a person, and before the container is released.
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { MAX_SESSION_BYTES } from '@flowforge/protocol'
import type { Control, Reply } from './control.ts'
import { messageOf } from './failure.ts'
import { type Gateway, persist } from './gateway.ts'
import { packSession, type SessionPlace, transcriptFile, unpackSession } from './session-archive.ts'

export interface SessionKeeper {
  readonly place: SessionPlace
  /** Stores what stands in the transcript, once it has all of `mustHave`. False: it could not be stored. */
  save(sessionId: string, mustHave: readonly string[]): Promise<boolean>
  /** Puts back what an earlier attempt left; the reason why not, if so. */
  restore(sessionId: string): Promise<string | undefined>
  /** A reply that was handed to Claude in the middle of a turn: whether it heard it, its transcript tells. */
  sent(reply: Reply): void
}

export interface KeeperOptions {
  place: SessionPlace
  gateway: Pick<Gateway, 'saveSession' | 'loadSession'>
  control: Control
  signal: AbortSignal
  log(text: string): void
}

/** Claude Code writes its transcript a moment after it has told. */
const FLUSH_LIMIT_MS = 3_000
const FLUSH_POLL_MS = 20
const PATIENCE_MS = 60_000

export const createSessionKeeper = (options: KeeperOptions): SessionKeeper => {
  const { place, gateway, control, signal } = options
  let sent: Reply[] = []

  /** Replies that lie in Claude Code's queue are not in the conversation yet: they are told again. */
  const throughOf = (transcript: string): number => {
    const lines = transcript.split('\n').filter(line => !line.startsWith('{"type":"queue-operation"'))
    const heard = ({ text }: Reply) => {
      const words = JSON.stringify(text).slice(1, -1)
      return lines.some(line => line.includes(words))
    }
    sent = sent.filter(reply => !heard(reply))
    const first = Math.min(...sent.map(({ message }) => message))
    return Math.min(control.throughMessage, first - 1)
  }

  const store = async (sessionId: string): Promise<boolean> => {
    const { archive, transcript } = await packSession(place, sessionId)
    if (archive.length > MAX_SESSION_BYTES) {
      options.log(`The conversation is too long to be kept (${archive.length} bytes).`)
      return false
    }
    const through = throughOf(transcript)
    await persist(() => gateway.saveSession({ sessionId, through, archive }, signal), {
      patienceMs: PATIENCE_MS,
      signal,
    })
    return true
  }

  return {
    place,
    sent: reply => void sent.push(reply),
    save: async (sessionId, mustHave) => {
      try {
        await isWritten(transcriptFile(place, sessionId), mustHave, signal)
        return await store(sessionId)
      } catch (error) {
        signal.throwIfAborted()
        options.log(`The conversation could not be kept: ${messageOf(error)}`)
        return false
      }
    },
    restore: async sessionId => {
      try {
        const archive = await persist(() => gateway.loadSession(signal), { patienceMs: PATIENCE_MS, signal })
        if (!archive) return 'The saved conversation is gone.'
        await unpackSession(place, sessionId, archive)
        return undefined
      } catch (error) {
        signal.throwIfAborted()
        return `The saved conversation can not be read: ${messageOf(error).slice(0, 500)}`
      }
    },
  }
}

/** At the limit it is taken as it is: a conversation without its last line is better than none. */
const isWritten = async (file: string, parts: readonly string[], signal: AbortSignal): Promise<void> => {
  const limit = performance.now() + FLUSH_LIMIT_MS
  const hasAll = () => {
    if (!existsSync(file)) return false
    const text = readFileSync(file, 'utf8')
    return parts.every(part => text.includes(part))
  }
  while (!hasAll() && performance.now() < limit) await sleep(FLUSH_POLL_MS, undefined, { signal })
}
