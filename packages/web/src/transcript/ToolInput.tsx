// What a tool was asked to do, in the form that reads best: a command, an edit, a plan, or its fields.
import { CircleCheck, CircleDashed, CircleDot } from 'lucide-react'
import { revealHidden } from '../text/hidden.ts'
import { cn } from '../ui/classes.ts'
import { TerminalText } from '../ui/TerminalText.tsx'
import { isRecord, textOf } from './digest.ts'
import { LineDiffView } from './LineDiffView.tsx'

export function ToolInput({ name, input }: { name: string; input: unknown }) {
  if (!isRecord(input)) return null
  const edits = editsOf(name, input)
  if (edits.length > 0) {
    return edits.map(({ before, after }, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the edits of one call never move
      <LineDiffView key={index} before={before} after={after} label={`Edit of ${textOf(input.file_path)}`} />
    ))
  }
  if (name === 'TodoWrite' && Array.isArray(input.todos)) return <Plan todos={input.todos} />
  if (name === 'Bash' && typeof input.command === 'string') {
    // The row's line says it already, unless it had to be cut or has several lines.
    return input.command.length > 100 || input.command.includes('\n') ? (
      <TerminalText text={input.command} label="Command" className="max-h-48" />
    ) : null
  }
  if (PLAIN.has(name)) return null
  return <Fields input={input} />
}

/** Their line says all that is in the input. */
const PLAIN = new Set(['Read', 'LS', 'Glob', 'BashOutput'])

interface EditText {
  before: string
  after: string
}

export function editsOf(name: string, input: unknown): EditText[] {
  if (!isRecord(input)) return []
  if (name === 'Edit')
    return [{ before: textOf(input.old_string ?? ''), after: textOf(input.new_string ?? '') }]
  if (name === 'Write') return [{ before: '', after: textOf(input.content ?? '').replace(/\n$/, '') }]
  if (name === 'MultiEdit' && Array.isArray(input.edits)) {
    return input.edits
      .filter(isRecord)
      .map(edit => ({ before: textOf(edit.old_string ?? ''), after: textOf(edit.new_string ?? '') }))
  }
  return []
}

function Fields({ input }: { input: Record<string, unknown> }) {
  const fields = Object.entries(input)
  if (fields.length === 0) return null
  return (
    <dl className="max-h-72 space-y-1 overflow-auto rounded-md border bg-raised px-3 py-2 text-xs">
      {fields.map(([name, value]) => (
        <div key={name} className="gap-3 sm:flex">
          <dt className="w-28 shrink-0 truncate text-ink-3">{revealHidden(name)}</dt>
          <dd className="min-w-0 font-mono wrap-anywhere whitespace-pre-wrap">
            {revealHidden(textOf(value).slice(0, 20_000))}
          </dd>
        </div>
      ))}
    </dl>
  )
}

const TODO_ICONS = { completed: CircleCheck, in_progress: CircleDot, pending: CircleDashed } as const

function Plan({ todos }: { todos: unknown[] }) {
  return (
    <ul className="space-y-1 rounded-md border bg-raised px-3 py-2 text-sm">
      {todos.filter(isRecord).map((todo, index) => {
        const status = todo.status === 'completed' || todo.status === 'in_progress' ? todo.status : 'pending'
        const Icon = TODO_ICONS[status]
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a plan is written as a whole each time
          <li key={index} className={cn('flex items-start gap-2', status === 'completed' && 'text-ink-3')}>
            <Icon
              role="img"
              aria-label={status.replace('_', ' ')}
              className={cn(
                'mt-0.5 size-4 shrink-0',
                status === 'completed' ? 'text-green' : status === 'in_progress' && 'text-blue',
              )}
            />
            <span className={cn(status === 'in_progress' && 'font-medium')}>
              {revealHidden(textOf(todo.content))}
            </span>
          </li>
        )
      })}
    </ul>
  )
}
