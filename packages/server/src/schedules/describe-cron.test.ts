import { expect, test } from 'vitest'
import { describeCron } from './describe-cron.ts'

test.each([
  ['* * * * *', 'every minute'],
  ['*/15 * * * *', 'every 15 minutes'],
  ['5 * * * *', 'every hour at minute 5'],
  ['@hourly', 'every hour at minute 0'],
  ['0 3 * * *', 'at 03:00, every day'],
  ['@daily', 'at 00:00, every day'],
  ['30 9,17 * * MON-FRI', 'at 09:30 and 17:30, from Monday to Friday'],
  ['0 3 * * 1-5', 'at 03:00, from Monday to Friday'],
  ['0 22 * * 6,0', 'at 22:00, on Saturday and Sunday'],
  ['@weekly', 'at 00:00, on Sunday'],
  ['0 6 1,15 * *', 'at 06:00, on days 1 and 15 of the month'],
  ['0 6 L * *', 'at 06:00, on the last day of the month'],
  ['0 6 13 * 5', 'at 06:00, on day 13 of the month or on Friday'],
  ['0 6 * 1,JUL *', 'at 06:00, every day, in January and July'],
  ['@yearly', 'at 00:00, on day 1 of the month, in January'],
  ['*/10 8-18 * * 1-5', 'every 10 minutes, from 08:00 to 18:59, from Monday to Friday'],
  ['0 */4 * * *', 'at minute 0, every 4 hours'],
  ['0 0 1W * *', '0 0 1W * *'],
  ['0 0 * * 5#2', '0 0 * * 5#2'],
])('%s reads: %s', (cron, words) => {
  expect(describeCron(cron)).toBe(words)
})
