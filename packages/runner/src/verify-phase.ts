// The phase `verify`: the pushed commit in a fresh container without agent. What it finds is what counts.
import type { SettleReport, WorkOrder } from '@flowforge/protocol'
import type { PhaseContext } from './phase.ts'
import { failed, runSetup, runVerify, verifyFailure } from './shell-commands.ts'
import { checkOut } from './work-tree.ts'

export const runVerifyPhase = async (
  context: PhaseContext,
  order: Extract<WorkOrder, { phase: 'verify' }>,
): Promise<SettleReport> => {
  await checkOut(context.git, order.git)
  await runSetup(context.shell, order.setup)
  const verify = await runVerify(context.shell, order.verify, { round: 0, clean: true })
  if (failed(verify).length > 0)
    return { outcome: 'failed', code: 'verify_failed', message: verifyFailure(verify), verify }
  return { outcome: 'completed', summary: `${verify.length} verify commands passed`, verify }
}
