// When a schedule is due: five cron fields or a word such as @daily, in a time zone. Pure; knows the cron library.
//
// When clocks go forward, a time that does not exist that day is due at the moment of the change; when they go back, a time
// that exists twice is due the first time alone. What is due every so many minutes goes on as if nothing was.
import { Cron } from 'croner'
import { FlowForgeError } from '../errors.ts'

const WORDS = new Set(['@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually'])
/** Offsets such as +02:00 know no summer time. */
const ZONE = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/

export interface DueTimes {
  /** The first due time behind `moment`; null: there is none. */
  next(moment: Date): Date | null
  /** The last due time up to and with `moment`, of which `known` is an earlier one. */
  last(known: Date, moment: Date): Date
}

/** Throws `schedule_invalid`, also for what would never be due. */
export function readCron(expression: string, timezone: string): DueTimes {
  checkZone(timezone)
  const cron = parse(expression.trim(), timezone)
  const next = (moment: Date): Date | null => cron.nextRun(moment)
  if (next(new Date()) === null)
    throw invalid(`cron: "${expression}" is never due. Check its day and month: there is no 30 February.`)
  return {
    next,
    last: (known, moment) => {
      // A jump close to the end, so that a year of minutes is not walked through, then step by step.
      const [near] = cron.previousRuns(1, moment)
      let last = near && near > known ? near : known
      for (let due = next(last); due !== null && due <= moment; due = next(due)) last = due
      return last
    },
  }
}

function checkZone(timezone: string): void {
  try {
    if (!ZONE.test(timezone)) throw new RangeError('not a name')
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (error) {
    throw invalid(
      `timezone: "${timezone}" is not a time zone. Use a name such as Europe/Berlin or UTC.`,
      error,
    )
  }
}

function parse(expression: string, timezone: string): Cron {
  const isWord = expression.startsWith('@')
  if (isWord ? !WORDS.has(expression.toLowerCase()) : expression.split(/\s+/).length !== 5)
    throw invalid(
      `cron: "${expression}" is not five fields (minute hour day month weekday), nor one of ${[...WORDS].join(' ')}.`,
    )
  try {
    return new Cron(expression, { timezone, paused: true, ...(isWord ? {} : { mode: '5-part' }) })
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, '')
    throw invalid(`cron: "${expression}" can not be read: ${why}`, error)
  }
}

const invalid = (message: string, cause?: unknown): FlowForgeError =>
  new FlowForgeError('schedule_invalid', message, {
    cause,
    details: { errors: [{ path: message.split(':', 1)[0]!, message: message.replace(/^\w+: /, '') }] },
  })

/** For people who choose: when it would be due next. */
export function previewRuns(times: DueTimes, from: Date, count: number): Date[] {
  const runs: Date[] = []
  for (let due = times.next(from); due !== null && runs.length < count; due = times.next(due)) runs.push(due)
  return runs
}
