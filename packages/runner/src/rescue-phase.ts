// The phase `rescue`: saves what an agent left on the workspace when its attempt broke off. No agent runs here, and
// nothing of what is there is believed or run.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { SettleReport, WorkOrder } from '@flowforge/protocol'
import type { PhaseContext } from './phase.ts'
import { RESCUE_MESSAGE, saveWork } from './work-tree.ts'

/** Says in the history what is an agent's own commit, and what was only lying there. */

/** Left behind by a git that was killed at its work: each would refuse the next one. */
const LOCKS = ['index.lock', 'HEAD.lock', 'config.lock', 'packed-refs.lock']

export const runRescuePhase = async (
  { git }: PhaseContext,
  order: Extract<WorkOrder, { phase: 'rescue' }>,
): Promise<SettleReport> => {
  const directory = join(git.repository, '.git')
  if (!existsSync(directory)) return nothing('There is no clone yet.')
  for (const lock of LOCKS) rmSync(join(directory, lock), { force: true })
  const head = await saveWork(git, order.git.baseCommit, RESCUE_MESSAGE)
  if (head === undefined) return nothing('Nothing was changed.')
  return { outcome: 'completed', summary: 'The work was saved.', headCommit: head, verify: [] }
}

const nothing = (summary: string): SettleReport => ({ outcome: 'completed', summary, verify: [] })
