// What people tell a running job: reply, interrupt, cancel, approve. Polls the gateway and keeps what the phase asks for.
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunnerCommand } from '@flowforge/protocol'
import { type Gateway, GatewayRefusal, isLeaseLost, isTransient } from './gateway.ts'

export interface Control {
  readonly interrupted: boolean
  /** Aborts at an interrupt: ends setup and verify, not the attempt. */
  readonly interruptSignal: AbortSignal
  /** Replies that no turn has taken yet. */
  takeReplies(): string[]
  /** Replies go straight to this while it is set (a turn is running). */
  onReply: ((text: string) => void) | undefined
}

export interface ControlOptions {
  gateway: Pick<Gateway, 'commands'>
  signal: AbortSignal
  onCancel(): void
  onLeaseLost(message: string): void
  /** The gateway did not answer for `patienceMs`. */
  onAbandoned(): void
  patienceMs: number
  onApproval(approval: Extract<RunnerCommand, { type: 'approve' }>): void
}

const RETRY_MS = 1000

export const startControl = (options: ControlOptions): Control => {
  const interrupt = new AbortController()
  let replies: string[] = []

  const control: Control = {
    get interrupted() {
      return interrupt.signal.aborted
    },
    interruptSignal: interrupt.signal,
    onReply: undefined,
    takeReplies: () => {
      const taken = replies
      replies = []
      return taken
    },
  }

  const obey = (command: RunnerCommand) => {
    switch (command.type) {
      case 'interrupt':
        return interrupt.abort()
      case 'cancel':
        return options.onCancel()
      case 'reply':
        return control.onReply ? control.onReply(command.text) : void replies.push(command.text)
      case 'approve':
        return options.onApproval(command)
    }
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
