// What a restarted runner has to know of its predecessor: one small JSON file on the workspace volume, replaced atomically.
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SettleReport } from '@flowforge/protocol'
import { z } from 'zod'

const StateFile = z.object({
  nonce: z.string(),
  /** Who numbers the events. */
  source: z.string(),
  /** Claude was given the task: a second start would do the work twice. */
  agentStarted: z.boolean(),
  sessionId: z.string().optional(),
  /** The last word, written before it is sent: a restart only repeats it. */
  report: SettleReport.optional(),
})
export type RunnerState = z.infer<typeof StateFile>

export interface StateStore {
  read(): RunnerState
  /** Throws when the file can't be written. */
  update(change: Partial<RunnerState>): void
  /** For what is good to know after a restart, but not worth failing for. */
  tryUpdate(change: Partial<RunnerState>): void
}

const fresh = (): RunnerState => ({
  nonce: randomBytes(24).toString('base64url'),
  source: randomBytes(9).toString('base64url'),
  agentStarted: false,
})

const load = (file: string): RunnerState | undefined => {
  try {
    return StateFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    // Absent at the first start; a broken one can only come from the agent, and then a new nonce is refused.
    return undefined
  }
}

export const openState = (directory: string): StateStore => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, 'runner.json')
  const write = (state: RunnerState) => {
    const next = `${file}.next`
    writeFileSync(next, JSON.stringify(state), { mode: 0o600 })
    renameSync(next, file)
  }
  let state = load(file)
  if (!state) {
    state = fresh()
    write(state)
  }
  let current = state
  const update = (change: Partial<RunnerState>) => {
    current = { ...current, ...change }
    write(current)
  }
  return {
    read: () => current,
    update,
    tryUpdate: change => {
      try {
        update(change)
      } catch {
        // Remembered in memory all the same.
      }
    },
  }
}
