// Kills servers and workers, one at a time, at moments that chance chooses, and starts each again a little later.
import { setTimeout as delay } from 'node:timers/promises'
import type { Program } from '../../script/lib/program.ts'
import type { Chance } from './chance.ts'

export interface Victim {
  name: string
  start(): Promise<Program>
}

export interface Kill {
  number: number
  victim: string
  atSeconds: number
  /** How long it was away, its start included. */
  awaySeconds: number
}

const PAUSE_MS = [300, 2_500] as const
const ABSENCE_MS = [0, 2_000] as const

/** All of them run when this returns. */
export async function killAtRandom(
  victims: Victim[],
  kills: number,
  chance: Chance,
  tell: (kill: Kill) => void,
): Promise<Kill[]> {
  const running = new Map<Victim, Program>()
  for (const victim of victims) running.set(victim, await victim.start())
  const began = performance.now()
  const secondsSince = (moment: number) => (performance.now() - moment) / 1000
  const done: Kill[] = []
  for (let number = 1; number <= kills; number++) {
    await delay(chance.between(...PAUSE_MS))
    const victim = chance.oneOf(victims)
    const program = running.get(victim)!
    const atSeconds = secondsSince(began)
    const goneAt = performance.now()
    program.kill('SIGKILL')
    await program.ended
    await delay(chance.between(...ABSENCE_MS))
    running.set(victim, await victim.start())
    const kill = { number, victim: victim.name, atSeconds, awaySeconds: secondsSince(goneAt) }
    tell(kill)
    done.push(kill)
  }
  return done
}
