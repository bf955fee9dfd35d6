// Something that Claude asked of a person, as it stands in the story: what it was, and what was decided.
import { MessageCircleQuestion } from 'lucide-react'
import { revealHidden } from '../text/hidden.ts'
import type { RequestEntry } from './entries.ts'
import { callIn, planIn, questionsIn, wordsIn } from './requests.ts'
import { Message } from './Words.tsx'

const TITLES: Record<RequestEntry['asks'], string> = {
  question: 'Claude asks',
  plan: 'Claude’s plan',
  tool: 'Claude asks for permission',
  reply: 'Claude waits for a reply',
}

export function RequestRow({ entry }: { entry: RequestEntry }) {
  return (
    <div className="flex gap-2.5 rounded-lg border border-violet/30 bg-violet-soft px-3 py-2.5">
      <MessageCircleQuestion className="mt-0.5 size-4 shrink-0 text-violet" aria-hidden />
      <div className="min-w-0 flex-1 space-y-1.5">
        <p className="text-sm font-medium">{TITLES[entry.asks] ?? TITLES.reply}</p>
        {/* While it is open, it stands below with its answers. */}
        {(entry.verdict || entry.isClosed) && <Asked entry={entry} />}
        <p className="text-xs text-ink-2">{outcomeOf(entry)}</p>
      </div>
    </div>
  )
}

function Asked({ entry: { asks, input } }: { entry: RequestEntry }) {
  switch (asks) {
    case 'question':
      return (
        <ul className="space-y-1 text-sm">
          {questionsIn(input).map(({ question }) => (
            <li key={question} className="wrap-anywhere">
              {revealHidden(question)}
            </li>
          ))}
        </ul>
      )
    case 'plan':
      return <Message text={planIn(input) || 'The plan has no words.'} />
    case 'tool': {
      const { tool, text } = callIn(input)
      return <Call tool={tool} text={text} />
    }
    default:
      return <p className="text-sm wrap-anywhere">{revealHidden(wordsIn(input))}</p>
  }
}

export function Call({ tool, text }: { tool: string; text: string }) {
  return (
    <div className="text-sm">
      <p className="font-medium">{revealHidden(tool)}</p>
      <pre className="mt-1 max-h-60 overflow-auto rounded-md bg-canvas p-2 font-mono text-xs whitespace-pre-wrap wrap-anywhere">
        {revealHidden(text)}
      </pre>
    </div>
  )
}

function outcomeOf({ asks, verdict, isClosed }: RequestEntry): string {
  if (!verdict) return isClosed ? 'Nobody answered.' : 'Open: answer below.'
  const answers = Object.values(verdict.answers ?? {}).map(answer => [answer].flat().join(', '))
  if (answers.length > 0) return revealHidden(`Answered: ${answers.join('; ')}`)
  if (asks === 'question') return verdict.decision === 'allow' ? 'Answered' : 'Left to Claude'
  return verdict.decision === 'allow' ? 'Approved' : 'Not approved'
}
