// What happens after everybody died: time passes, the sweep runs, a worker that lives takes what there is to its end.
import { TERMINAL_STATES } from '@flowforge/protocol'
import sql from 'sql-template-tag'
import { v7 as uuidv7 } from 'uuid'
import type { Claimer } from './claim.ts'
import { releaseDueJobs, sweepDependents } from './dependents.ts'
import { recoverLostAttempts } from './recover.ts'
import { settleAttempt } from './settle.ts'
import type { Scene } from './testing-scene.ts'
import { failOverdueWaits } from './wait-limit.ts'

const ROUNDS = 40
const NOTHING_CHANGED = { summary: 'Done.', filesChanged: 0, insertions: 0, deletions: 0, verify: [] }

export async function bringToEnd(scene: Scene): Promise<void> {
  const survivor: Claimer = { ...scene.claimer, workerId: uuidv7() }
  for (let round = 0; round < ROUNDS; round += 1) {
    await letTimePass(scene)
    await recoverLostAttempts(scene, 0)
    await releaseDueJobs(scene)
    await sweepDependents(scene)
    await failOverdueWaits(scene, 0)
    for (const { job, attempt } of await scene.claim(100, survivor))
      await settleAttempt(
        scene,
        job.id,
        { attemptId: attempt.id, epoch: attempt.epoch },
        { kind: 'succeeded', headCommit: null, result: NOTHING_CHANGED },
      )
    if ((await unfinished(scene)) === 0) return
  }
}

/** Leases run out, delays pass, times come. */
export const letTimePass = (scene: Scene): Promise<void> =>
  scene.database.acrossOrganizations(async tx => {
    await tx.run(sql`update attempts set lease_expires_at = now() - interval '1 hour' where ended_at is null`)
    await tx.run(sql`update jobs set not_before = null where not_before is not null`)
    await tx.run(
      sql`update jobs set run_at = now() - interval '1 second' where state = 'pending' and run_at > now()`,
    )
  })

const unfinished = async (scene: Scene): Promise<number> =>
  (await scene.database.acrossOrganizations(tx =>
    tx.first<{ count: number }>(
      sql`select count(*)::int as count from jobs where state <> all(${[...TERMINAL_STATES]}::text[])`,
    ),
  ))!.count
