// A moment as people say it: weekday, date, time, in a time zone. Pure but for the browser's own zone.

export const localZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone

/** `Fri 1 Jan 2027, 03:00`, in the reader's own zone unless another is named. */
export function formatMoment(at: string, timeZone?: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return ''
  const parts = new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone,
  }).formatToParts(date)
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find(one => one.type === type)?.value ?? ''
  return `${part('weekday')} ${part('day')} ${part('month')} ${part('year')}, ${part('hour')}:${part('minute')}`
}

/** Whether a clock of that zone shows the same as the reader's at this moment. */
export const isSameClock = (at: string, timeZone: string): boolean =>
  formatMoment(at) === formatMoment(at, timeZone)

/** For `<input type="datetime-local">`. */
export function localInput(at: string): string {
  const date = new Date(at)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** What `<input type="datetime-local">` gives, which has no zone: the reader's own is meant. */
export function instantOf(local: string): string | undefined {
  const date = new Date(local)
  return local === '' || Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
