// What both phases are given: everything that is made once per attempt.
import type { AgentSdk } from './claude-session.ts'
import type { Control } from './control.ts'
import type { EnvironmentInput } from './environment.ts'
import type { EventSender } from './event-sender.ts'
import type { StateStore } from './runner-state.ts'
import type { SessionKeeper } from './session-keeper.ts'
import type { ShellContext } from './shell-commands.ts'
import type { GitContext } from './work-tree.ts'

export interface PhaseContext {
  /** Aborts when everything has to end at once; its reason is a Stop. */
  signal: AbortSignal
  events: EventSender
  control: Control
  state: StateStore
  keeper: SessionKeeper
  git: GitContext
  shell: ShellContext
  environment: EnvironmentInput
  loadSdk(): Promise<AgentSdk>
  claudeExecutable: string
  trustedConfigDirectory: string
}
