// A cron expression in words. Pure; what it has no words for it gives back as it stands.

const WORDS: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const MONTHS = [
  ...['', 'January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]

/** "at 03:00, from Monday to Friday". */
export function describeCron(expression: string): string {
  const fields = (WORDS[expression.trim().toLowerCase()] ?? expression.trim()).split(/\s+/)
  if (fields.length !== 5) return expression
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] = fields.map(field =>
    field === '?' ? '*' : field,
  )
  const parts = [timeOf(minute, hour), dayOf(day, weekday, minute, hour), monthOf(month)]
  return parts.includes(null) ? expression : parts.filter(part => part !== '').join(', ')
}

const isNumber = (text: string): boolean => /^\d+$/.test(text)
const two = (value: string): string => value.padStart(2, '0')

/** null: no words for it. */
function timeOf(minute: string, hour: string): string | null {
  const hours = hour.split(',')
  if (isNumber(minute) && hours.every(isNumber))
    return `at ${listed(hours.map(h => `${two(h)}:${two(minute)}`))}`
  const minutes = everyOf(minute, 'minute', m => `at minute ${m}`)
  if (minutes === null) return null
  if (hour === '*') return isNumber(minute) ? `every hour at minute ${Number(minute)}` : minutes
  const within = everyOf(hour, 'hour', h => `during the hour from ${two(h)}:00`)
  if (within === null) return null
  return `${minutes}, ${range(hour) ? `from ${two(range(hour)![0])}:00 to ${two(range(hour)![1])}:59` : within}`
}

function everyOf(field: string, unit: string, one: (value: string) => string): string | null {
  if (field === '*') return `every ${unit}`
  const step = /^\*\/(\d+)$/.exec(field)?.[1]
  if (step) return Number(step) === 1 ? `every ${unit}` : `every ${Number(step)} ${unit}s`
  if (isNumber(field)) return one(field)
  const [from, to] = range(field) ?? []
  if (from !== undefined) return `every ${unit} from ${from} to ${to}`
  const values = field.split(',')
  return values.every(isNumber) ? `at ${unit}s ${listed(values)}` : null
}

function dayOf(day: string, weekday: string, minute: string, hour: string): string | null {
  const isDaily = isNumber(minute) && hour.split(',').every(isNumber)
  if (day === '*' && weekday === '*') return isDaily ? 'every day' : ''
  const days = day === '*' ? '' : daysOfMonth(day)
  const weekdays = weekday === '*' ? '' : named(weekday, DAYS, 'SUN MON TUE WED THU FRI SAT'.split(' '), 'on')
  if (days === null || weekdays === null) return null
  return [days, weekdays].filter(part => part !== '').join(' or ')
}

function daysOfMonth(field: string): string | null {
  if (field.toUpperCase() === 'L') return 'on the last day of the month'
  const [from, to] = range(field) ?? []
  if (from !== undefined) return `on days ${from} to ${to} of the month`
  const step = /^\*\/(\d+)$/.exec(field)?.[1]
  if (step) return `on every ${step}. day of the month`
  const values = field.split(',')
  if (!values.every(isNumber)) return null
  return `on day${values.length > 1 ? 's' : ''} ${listed(values)} of the month`
}

const monthOf = (month: string): string | null =>
  month === '*'
    ? ''
    : named(month, MONTHS, ' JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' '), 'in')

function named(field: string, names: string[], shorts: string[], word: string): string | null {
  const nameOf = (value: string): string | undefined =>
    isNumber(value) ? names[Number(value)] : names[shorts.indexOf(value.toUpperCase())]
  const ends = field.split('-')
  if (ends.length === 2) {
    const [from, to] = ends.map(nameOf)
    return from && to ? `from ${from} to ${to}` : null
  }
  const values = field.split(',').map(nameOf)
  return values.every(value => value !== undefined && value !== '')
    ? `${word} ${listed(values as string[])}`
    : null
}

const range = (field: string): [string, string] | null => {
  const match = /^(\d+)-(\d+)$/.exec(field)
  return match ? [match[1]!, match[2]!] : null
}

const listed = (values: string[]): string =>
  values.length < 2 ? (values[0] ?? '') : `${values.slice(0, -1).join(', ')} and ${values.at(-1)}`
