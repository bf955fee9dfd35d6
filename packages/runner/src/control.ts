// What people tell a running job: reply, decide, interrupt, cancel; and the worker: park. Polls the gateway and keeps what
// the phase asks for. Knows up to which of people's messages Claude has been given them.
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunnerCommand } from '@flowforge/protocol'
import { type Gateway, GatewayRefusal, isLeaseLost, isTransient } from './gateway.ts'

export type Verdict = Pick<
  Extract<RunnerCommand, { type: 'approve' }>,
  'decision' | 'note' | 'answers' | 'message'
>

export interface Reply {
  text: string
  message: number
}

export interface Control {
  readonly interrupted: boolean
  /** Aborts at an interrupt: ends setup and verify, not the attempt. */
  readonly interruptSignal: AbortSignal
  /** There are replies that no turn has taken yet. */
  readonly hasReplies: boolean
  /** Replies that no turn has taken yet; from now on they count as given. */
  takeReplies(): Reply[]
  /** Replies go straight to this while it is set (a turn is running). */
  onReply: ((reply: Reply) => void) | undefined
  /** What a person decides about a request of this name. Ends without when `signal` aborts. */
  verdict(requestId: string, signal: AbortSignal): Promise<Verdict | undefined>
  /** Called when the container is to be released while a request waits. From then on nothing is obeyed but a cancel. */
  onPark: (() => void) | undefined
  /** It could not be released: what was told meanwhile is obeyed now. */
  goOn(): void
  /** The newest message that Claude was given. */
  readonly throughMessage: number
  gave(message: number): void
}

export interface ControlOptions {
  gateway: Pick<Gateway, 'commands'>
  signal: AbortSignal
  /** Of the messages that the order tells. */
  throughMessage?: number
  onCancel(): void
  onLeaseLost(message: string): void
  /** The gateway did not answer for `patienceMs`. */
  onAbandoned(): void
  patienceMs: number
}

const RETRY_MS = 1000

export const startControl = (options: ControlOptions): Control => {
  const interrupt = new AbortController()
  const waiting = new Map<string, (verdict: Verdict) => void>()
  /** A decision that came before anybody listened: the request was stored while its answer was on the way. */
  const early = new Map<string, Verdict>()
  let replies: Reply[] = []
  let heldBack: RunnerCommand[] | undefined
  let throughMessage = options.throughMessage ?? 0

  const gave = (message: number) => {
    throughMessage = Math.max(throughMessage, message)
  }

  const control: Control = {
    get interrupted() {
      return interrupt.signal.aborted
    },
    get hasReplies() {
      return replies.length > 0
    },
    get throughMessage() {
      return throughMessage
    },
    gave,
    interruptSignal: interrupt.signal,
    onReply: undefined,
    onPark: undefined,
    takeReplies: () => {
      const taken = replies
      replies = []
      for (const { message } of taken) gave(message)
      return taken
    },
    verdict: (requestId, signal) => {
      const known = early.get(requestId)
      if (known) return Promise.resolve(known)
      return new Promise(resolve => {
        const done = (verdict?: Verdict) => {
          waiting.delete(requestId)
          signal.removeEventListener('abort', leave)
          resolve(verdict)
        }
        const leave = () => done()
        waiting.set(requestId, done)
        signal.addEventListener('abort', leave)
        if (signal.aborted) leave()
      })
    },
    goOn: () => {
      const missed = heldBack ?? []
      heldBack = undefined
      for (const command of missed) obey(command)
    },
  }

  const decide = (command: Extract<RunnerCommand, { type: 'approve' }>) => {
    gave(command.message)
    const tell = waiting.get(command.requestId)
    if (tell) tell(command)
    else early.set(command.requestId, command)
  }

  const park = (requestId: string) => {
    // Answered meanwhile: it works on.
    if (!waiting.has(requestId) || !control.onPark) return
    heldBack = []
    control.onPark()
  }

  const obey = (command: RunnerCommand): void => {
    if (command.type === 'cancel') options.onCancel()
    else if (heldBack) heldBack.push(command)
    else if (command.type === 'interrupt') interrupt.abort()
    else if (command.type === 'approve') decide(command)
    else if (command.type === 'park') park(command.requestId)
    else if (control.onReply) control.onReply(command)
    else replies.push(command)
  }

  const poll = async () => {
    let after = 0
    let heardAtMs = performance.now()
    while (!options.signal.aborted) {
      try {
        for (const command of await options.gateway.commands(after, options.signal)) {
          after = Math.max(after, command.id)
          obey(command)
        }
        heardAtMs = performance.now()
      } catch (error) {
        if (options.signal.aborted) return
        if (isLeaseLost(error)) return options.onLeaseLost(error.message)
        // One that says no is there, also while its database is not.
        if (error instanceof GatewayRefusal) heardAtMs = performance.now()
        if (performance.now() - heardAtMs >= options.patienceMs) return options.onAbandoned()
        // A refusal that is not about the lease won't mend itself soon; a gateway that is away was waited for already.
        await sleep(isTransient(error) ? RETRY_MS : RETRY_MS * 10, undefined, {
          signal: options.signal,
        }).catch(() => {})
      }
    }
  }
  void poll()
  return control
}
