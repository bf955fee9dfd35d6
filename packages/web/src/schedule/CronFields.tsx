// When a schedule runs: expression and time zone, and below them what that means and the next three runs.
import { useQuery } from '@tanstack/react-query'
import { useDeferredValue } from 'react'
import { ApiError } from '../api/client.ts'
import { schedulePreviewQuery } from '../api/queries.ts'
import { formatMoment, isSameClock } from '../text/moments.ts'
import { Field } from '../ui/Field.tsx'
import { Input, Select } from '../ui/Input.tsx'

const USUAL: [cron: string, words: string][] = [
  ['0 3 * * 1-5', 'Weekdays at 03:00'],
  ['0 3 * * *', 'Every day at 03:00'],
  ['0 22 * * 0', 'Sundays at 22:00'],
  ['@hourly', 'Every hour'],
  ['0 6 1 * *', 'The first of the month at 06:00'],
]
const ZONES = Intl.supportedValuesOf('timeZone')

export function CronFields({
  cron,
  timezone,
  onChange,
  errorAt,
}: {
  cron: string
  timezone: string
  onChange: (part: { cron?: string; timezone?: string }) => void
  errorAt: (path: string) => string | undefined
}) {
  const shown = useDeferredValue(`${cron.trim()}\n${timezone.trim()}`)
  const [shownCron = '', shownZone = ''] = shown.split('\n')
  const preview = useQuery(schedulePreviewQuery(shownCron, shownZone))
  const refusal = preview.error instanceof ApiError ? preview.error : undefined
  const refusedAt = (path: string) => refusal?.fieldErrors.find(field => field.path === path)?.message
  return (
    <div className="space-y-2">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="When" error={errorAt('cron') ?? refusedAt('cron')}>
          {control => (
            <div className="flex gap-2">
              <Input
                {...control}
                value={cron}
                onChange={event => onChange({ cron: event.target.value })}
                placeholder="0 3 * * 1-5"
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
                className="font-mono text-xs"
              />
              <Select
                aria-label="A usual time"
                className="w-28 shrink-0"
                value={USUAL.some(([usual]) => usual === cron) ? cron : ''}
                onChange={event => event.target.value && onChange({ cron: event.target.value })}
              >
                <option value="">Usual…</option>
                {USUAL.map(([usual, words]) => (
                  <option key={usual} value={usual}>
                    {words}
                  </option>
                ))}
              </Select>
            </div>
          )}
        </Field>
        <Field label="Time zone" error={errorAt('timezone') ?? refusedAt('timezone')}>
          {control => (
            <>
              <Input
                {...control}
                list="time-zones"
                value={timezone}
                onChange={event => onChange({ timezone: event.target.value })}
                autoComplete="off"
                spellCheck={false}
              />
              <datalist id="time-zones">
                {ZONES.map(zone => (
                  <option key={zone} value={zone} />
                ))}
              </datalist>
            </>
          )}
        </Field>
      </div>
      <p className="text-xs text-ink-3">
        Minute, hour, day of the month, month, weekday; or @daily, @weekly …
      </p>
      <div aria-live="polite" className="min-h-22 rounded-md bg-raised px-3 py-2 text-sm">
        {preview.data ? (
          <>
            <p className="font-medium">Runs {preview.data.description}</p>
            <ol aria-label="The next runs" className="mt-1 text-xs text-ink-2">
              {preview.data.runs.map(run => (
                <li key={run} className="tabular">
                  {formatMoment(run)}
                  {!isSameClock(run, shownZone) && (
                    <span className="text-ink-3">
                      {' '}
                      · {formatMoment(run, shownZone)} in {shownZone}
                    </span>
                  )}
                </li>
              ))}
            </ol>
          </>
        ) : (
          <p className="text-ink-3">{preview.isError ? 'No run can be told yet.' : 'Looking ahead…'}</p>
        )}
      </div>
    </div>
  )
}
