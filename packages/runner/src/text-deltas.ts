// The text that Claude is just writing: collected for a moment, sent live, and dropped when it can't be sent at once.
import type { Gateway } from './gateway.ts'

const DELTA_SPACING_MS = 30
const MAX_DELTAS = 500
const MAX_DELTA_CHARS = 256 * 1024
const TIMEOUT_MS = 1000

export const createTextDeltas = (gateway: Pick<Gateway, 'deltas'>, signal: AbortSignal) => {
  let pending: { text: string; parentToolUseId?: string }[] = []
  let pendingChars = 0
  let timer: NodeJS.Timeout | undefined
  let sending = false
  const send = async () => {
    timer = undefined
    if (sending || pending.length === 0 || signal.aborted) return
    sending = true
    const deltas = pending
    pending = []
    pendingChars = 0
    // Whoever watches gets the finished message anyway: a lost delta is no loss.
    await gateway
      .deltas({ deltas }, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]))
      .catch(() => {})
    sending = false
    if (pending.length > 0) schedule()
  }
  const schedule = () => {
    if (timer === undefined) timer = setTimeout(() => void send(), DELTA_SPACING_MS)
  }
  return {
    add: (raw: string, parentToolUseId: string | undefined) => {
      if (signal.aborted || pendingChars + raw.length > MAX_DELTA_CHARS) return
      pendingChars += raw.length
      const last = pending.at(-1)
      if (last && last.parentToolUseId === parentToolUseId) last.text += raw
      else if (pending.length < MAX_DELTAS)
        pending.push(parentToolUseId === undefined ? { text: raw } : { text: raw, parentToolUseId })
      schedule()
    },
    /** The finished message has come: what is still waiting would be shown behind it, a second time. */
    forget: (parentToolUseId: string | undefined) => {
      pending = pending.filter(delta => delta.parentToolUseId !== parentToolUseId)
      pendingChars = pending.reduce((sum, { text }) => sum + text.length, 0)
    },
  }
}
