// A small chaos run (the great one: script/bench chaos): servers and workers are killed at random under jobs that push,
// fail, hang and are cancelled.
import { expect, it } from 'vitest'
import { problemsOf, runChaos } from '../bench/chaos/run.ts'

it('servers and workers killed at random: every job ends once, none is lost, nothing is pushed twice', async () => {
  // Another plan each time; the number that a failure names runs the same one again: FLOWFORGE_CHAOS_SEED=….
  const seed = Number(process.env.FLOWFORGE_CHAOS_SEED ?? Date.now() % 1_000_000)
  const told: string[] = []
  const { findings } = await runChaos({
    seed,
    kills: 5,
    dummyJobs: 30,
    dockerJobs: 0,
    tell: line => told.push(line),
  })
  expect(problemsOf(findings.dummy!), `seed ${seed}\n${told.join('\n')}`).toEqual([])
})
