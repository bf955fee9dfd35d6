// 200 dummy jobs and 20 with real containers and real Claude Code, while servers and workers are killed 30 times at
// random: all end, none is lost, nothing is pushed twice, nothing is left behind.
//   script/bench chaos [SEED]
import { problemsOf, runChaos } from './chaos/run.ts'
import { saveResult } from './report.ts'

const seed = Number(process.argv[2] ?? Date.now() % 1_000_000)
process.stdout.write(`seed ${seed}: script/bench chaos ${seed} runs the same plan again\n`)
const result = await runChaos({
  seed,
  kills: 30,
  dummyJobs: 200,
  dockerJobs: 20,
  tell: line => process.stdout.write(`${line}\n`),
})

const counts = { terminal: 0, lost: 0, doublePushes: 0, orphans: 0, otherFindings: 0 }
for (const [name, findings] of Object.entries(result.findings)) {
  const { ended, lost, doublePushes, orphans, attempts, adopted } = findings
  const states = Object.entries(ended).map(([state, count]) => `${count} ${state}`)
  process.stdout.write(`${name}: ${states.join(', ')}; ${attempts} attempts, ${adopted} adoptions\n`)
  const problems = problemsOf(findings)
  for (const problem of problems) process.stdout.write(`  ✗ ${problem}\n`)
  counts.terminal += Object.values(ended).reduce((sum, count) => sum + count, 0) - lost.length
  counts.lost += lost.length
  counts.doublePushes += doublePushes.length
  counts.orphans += orphans.length
  counts.otherFindings += problems.length - lost.length - doublePushes.length - orphans.length
}
process.stdout.write(
  `${result.kills.length} kills in ${result.seconds.toFixed(0)} s: ${counts.terminal} terminal states, ${counts.lost} lost, ` +
    `${counts.doublePushes} double pushes, ${counts.orphans} orphans, ${counts.otherFindings} other findings\n`,
)
await saveResult('chaos', { ...counts, ...result })
if (counts.lost + counts.doublePushes + counts.orphans + counts.otherFindings > 0) process.exitCode = 1
