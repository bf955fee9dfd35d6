// From submit to the stored end of many jobs, and from submit to the begin of one when nothing else runs: each contender
// in turn, several rounds, so that what else the machine does falls on all alike.
import { setTimeout as delay } from 'node:timers/promises'
import { figures } from '../report.ts'
import type { Contender } from './contender.ts'

const ROUNDS = 3
const WARM_UP_JOBS = 500
const LOW_LOAD_JOBS = 200
const LOW_LOAD_PAUSE_MS = 10

export interface Dispatch {
  name: string
  about: string
  submittedPerSecond: number
  settledPerSecond: number
  startMs: { p50: number; p99: number }
}

export async function compareDispatch(contenders: Contender[], jobs: number): Promise<Dispatch[]> {
  for (const contender of contenders) await runMany(contender, WARM_UP_JOBS)
  const rounds = new Map(contenders.map(({ name }) => [name, [] as Many[]]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const contender of contenders) {
      rounds.get(contender.name)!.push(await runMany(contender, jobs))
      process.stderr.write(`\r${contender.name}, round ${round + 1} of ${ROUNDS}          `)
    }
  }
  process.stderr.write('\r')
  const results: Dispatch[] = []
  for (const contender of contenders) {
    const ran = rounds.get(contender.name)!
    const median = (pick: (many: Many) => number) => figures(ran.map(pick)).p50
    const { p50, p99 } = await runOneByOne(contender)
    results.push({
      name: contender.name,
      about: contender.about,
      submittedPerSecond: Math.round(jobs / median(many => many.submitSeconds)),
      settledPerSecond: Math.round(jobs / median(many => many.settleSeconds)),
      startMs: { p50, p99 },
    })
  }
  print(results, jobs)
  return results
}

interface Many {
  submitSeconds: number
  settleSeconds: number
}

async function runMany(contender: Contender, jobs: number): Promise<Many> {
  contender.forget()
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1000
  const done = contender.untilDone(jobs)
  await contender.submitMany(jobs)
  const submitSeconds = seconds()
  await done
  return { submitSeconds, settleSeconds: seconds() }
}

/** At low load: each job is submitted when the one before has ended. */
export async function runOneByOne(contender: Contender): Promise<{ p50: number; p99: number }> {
  contender.forget()
  const samples: number[] = []
  for (let sent = 0; sent < LOW_LOAD_JOBS; sent++) {
    samples.push(await contender.submitOne())
    await contender.untilDone(sent + 1)
    await delay(LOW_LOAD_PAUSE_MS)
  }
  return figures(samples)
}

function print(results: Dispatch[], jobs: number): void {
  const ours = results[0]!
  const width = Math.max(...results.map(({ name }) => name.length))
  const cell = (value: string) => value.padStart(12)
  process.stdout.write(
    `\n${jobs} jobs, submit → settled; start: one job at a time, submit → its work begins\n`,
  )
  process.stdout.write(
    `${' '.repeat(width)}${['submitted/s', 'settled/s', 'ratio', 'start p50', 'start p99'].map(cell).join('')}\n`,
  )
  for (const { name, submittedPerSecond, settledPerSecond, startMs } of results) {
    const cells = [
      String(submittedPerSecond),
      String(settledPerSecond),
      (settledPerSecond / ours.settledPerSecond).toFixed(2),
      `${startMs.p50.toFixed(1)} ms`,
      `${startMs.p99.toFixed(1)} ms`,
    ]
    process.stdout.write(`${name.padEnd(width)}${cells.map(cell).join('')}\n`)
  }
}
