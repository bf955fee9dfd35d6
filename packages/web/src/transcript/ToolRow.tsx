// One tool call: icon, name, what it is about, how long it took and whether it worked; the rest when opened.
import {
  Bot,
  CircleAlert,
  FileOutput,
  FilePen,
  FileText,
  FolderSearch,
  Globe,
  ListTodo,
  LoaderCircle,
  type LucideIcon,
  Plug,
  Search,
  SquareTerminal,
  Wrench,
} from 'lucide-react'
import { formatDuration } from '../text/quantities.ts'
import { TerminalText } from '../ui/TerminalText.tsx'
import { Ticking } from '../ui/Time.tsx'
import { Disclosure } from './Disclosure.tsx'
import { digestOf, toolTitle } from './digest.ts'
import { isRunning, type ToolEntry } from './entries.ts'
import { editsOf, ToolInput } from './ToolInput.tsx'

const ICONS: Record<string, LucideIcon> = {
  Bash: SquareTerminal,
  BashOutput: SquareTerminal,
  Read: FileText,
  Write: FileOutput,
  Edit: FilePen,
  MultiEdit: FilePen,
  NotebookEdit: FilePen,
  Grep: Search,
  Glob: FolderSearch,
  LS: FolderSearch,
  WebFetch: Globe,
  WebSearch: Globe,
  Task: Bot,
  Agent: Bot,
  TodoWrite: ListTodo,
}

const iconOf = (name: string): LucideIcon =>
  (Object.hasOwn(ICONS, name) ? ICONS[name] : undefined) ?? (name.startsWith('mcp__') ? Plug : Wrench)

/** Open without being asked: edits that fit, the latest plan, failures, and sub-agents at work. */
export function opensByItself(entry: ToolEntry, latestPlan: string | undefined): boolean {
  if (entry.children.length > 0) return isRunning(entry)
  if (entry.name === 'TodoWrite') return entry.id === latestPlan
  if (entry.result && !entry.result.ok) return true
  const edits = editsOf(entry.name, entry.input)
  return edits.length > 0 && edits.every(({ before, after }) => before.length + after.length < 2_500)
}

export function ToolRow({
  entry,
  open,
  onToggle,
}: {
  entry: ToolEntry
  open: boolean
  onToggle: (open: boolean) => void
}) {
  const Icon = iconOf(entry.name)
  const title = toolTitle(entry.name)
  const failed = entry.result?.ok === false
  return (
    <Disclosure
      open={open}
      onToggle={onToggle}
      icon={
        isRunning(entry) ? (
          <LoaderCircle className="size-4 shrink-0 animate-spin text-blue" role="img" aria-label="Running" />
        ) : failed ? (
          <CircleAlert className="size-4 shrink-0 text-red" role="img" aria-label="Failed" />
        ) : (
          <Icon className="size-4 shrink-0 text-ink-3" aria-hidden />
        )
      }
      title={title}
      digest={digestOf(entry.name, entry.input)}
      end={<ToolEnd entry={entry} failed={failed} />}
    >
      <ToolBody entry={entry} title={title} />
    </Disclosure>
  )
}

function ToolEnd({ entry, failed }: { entry: ToolEntry; failed: boolean }) {
  return (
    <>
      {entry.children.length > 0 && <span className="max-sm:hidden">{entry.children.length} steps</span>}
      {failed && <span className="text-red">failed</span>}
      {entry.abandoned && <span>stopped</span>}
      {entry.result ? (
        formatDuration(entry.result.durationMs)
      ) : isRunning(entry) ? (
        <Ticking since={entry.at} />
      ) : null}
    </>
  )
}

/** An edit's answer repeats the edit; a plan's says that it was written. */
const ANSWER_SAYS_NOTHING = new Set(['Edit', 'MultiEdit', 'Write', 'TodoWrite'])

function ToolBody({ entry, title }: { entry: ToolEntry; title: string }) {
  const showAnswer = entry.result && !(entry.result.ok && ANSWER_SAYS_NOTHING.has(entry.name))
  return (
    <>
      <ToolInput name={entry.name} input={entry.input} />
      {showAnswer && <TerminalText text={entry.result?.output ?? ''} label={`Output of ${title}`} />}
      {isRunning(entry) && <p className="text-xs text-ink-3">Still running…</p>}
    </>
  )
}
