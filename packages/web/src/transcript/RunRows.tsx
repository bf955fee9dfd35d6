// Verify runs and log blocks.
import { CircleCheck, CircleMinus, CircleX, LoaderCircle, ScrollText } from 'lucide-react'
import { plainText } from '../text/ansi.ts'
import { oneLine } from '../text/hidden.ts'
import { formatDuration, plural } from '../text/quantities.ts'
import { Badge } from '../ui/Badge.tsx'
import { TerminalText } from '../ui/TerminalText.tsx'
import { Ticking } from '../ui/Time.tsx'
import { Disclosure } from './Disclosure.tsx'
import { isRunning, type LogEntry, type VerifyEntry } from './entries.ts'

interface Toggle {
  open: boolean
  onToggle: (open: boolean) => void
}

export function VerifyRow({ entry, open, onToggle }: { entry: VerifyEntry } & Toggle) {
  const failed = entry.result !== undefined && entry.result.exitCode !== 0
  return (
    <Disclosure
      open={open}
      onToggle={onToggle}
      icon={<VerifyIcon entry={entry} />}
      title="Verify"
      digest={oneLine(entry.command)}
      end={
        <>
          {entry.clean && (
            <Badge className="max-sm:hidden" title="In a fresh container without agent, on the pushed commit">
              fresh container
            </Badge>
          )}
          {failed && <span className="text-red">exit {entry.result?.exitCode}</span>}
          {entry.result
            ? formatDuration(entry.result.durationMs)
            : isRunning(entry) && <Ticking since={entry.at} />}
        </>
      }
    >
      {entry.result && (
        <TerminalText text={entry.result.output} label={`Output of ${oneLine(entry.command)}`} />
      )}
    </Disclosure>
  )
}

export const verifyOpensByItself = (entry: VerifyEntry): boolean =>
  entry.result !== undefined && entry.result.exitCode !== 0

function VerifyIcon({ entry }: { entry: VerifyEntry }) {
  if (entry.result?.exitCode === 0)
    return <CircleCheck role="img" aria-label="Passed" className="size-4 shrink-0 text-green" />
  if (entry.result) return <CircleX role="img" aria-label="Failed" className="size-4 shrink-0 text-red" />
  if (entry.abandoned)
    return <CircleMinus role="img" aria-label="Stopped" className="size-4 shrink-0 text-ink-3" />
  return <LoaderCircle role="img" aria-label="Running" className="size-4 shrink-0 animate-spin text-blue" />
}

const STREAMS = { stdout: 'Output', stderr: 'Error output', system: 'System' } as const

export function LogRow({ entry, open, onToggle }: { entry: LogEntry } & Toggle) {
  const text = entry.text.trimEnd()
  const last = oneLine(plainText(text.slice(Math.max(text.lastIndexOf('\n') + 1, text.length - 2_000))))
  return (
    <Disclosure
      open={open}
      onToggle={onToggle}
      icon={<ScrollText className="size-4 shrink-0 text-ink-3" aria-hidden />}
      title={STREAMS[entry.stream] ?? 'Output'}
      digest={last}
      end={entry.lines > 1 && plural(entry.lines, 'line')}
    >
      {entry.lines > 1 || text.length > 100 ? (
        <TerminalText text={entry.text} label={STREAMS[entry.stream]} />
      ) : null}
    </Disclosure>
  )
}
