// What Claude says, finished or being written; and what people replied. The Markdown code comes when first needed.
import { MessageSquareReply } from 'lucide-react'
import { lazy, Suspense, useDeferredValue } from 'react'
import { revealHidden } from '../text/hidden.ts'

const Markdown = lazy(() => import('./Markdown.tsx'))

/** Above this, parsing would stall the page: shown as plain text. */
const MAX_MARKDOWN = 100_000

function Plain({ text }: { text: string }) {
  return <p className="text-base wrap-anywhere whitespace-pre-wrap">{revealHidden(text)}</p>
}

export function Message({ text }: { text: string }) {
  if (text.length > MAX_MARKDOWN) return <Plain text={text} />
  return (
    <Suspense fallback={<Plain text={text} />}>
      <Markdown text={text} />
    </Suspense>
  )
}

export function Typing({ text }: { text: string }) {
  const deferred = useDeferredValue(text)
  return (
    // Read aloud as a whole when it is finished, not letter by letter.
    <div
      aria-hidden
      className="[&_.prose-claude>:last-child]:after:ml-0.5 [&_.prose-claude>:last-child]:after:inline-block [&_.prose-claude>:last-child]:after:h-4 [&_.prose-claude>:last-child]:after:w-1.5 [&_.prose-claude>:last-child]:after:animate-pulse [&_.prose-claude>:last-child]:after:bg-ember [&_.prose-claude>:last-child]:after:align-text-bottom [&_.prose-claude>:last-child]:after:content-['']"
    >
      <Message text={deferred} />
    </div>
  )
}

export function Reply({ text, by }: { text: string; by: string | undefined }) {
  return (
    <div className="flex gap-2.5 rounded-lg border bg-raised px-3 py-2.5">
      <MessageSquareReply className="mt-0.5 size-4 shrink-0 text-ink-3" aria-hidden />
      <div className="min-w-0">
        <p className="text-xs font-medium text-ink-3">{by ?? 'Reply'}</p>
        <Plain text={text} />
      </div>
    </div>
  )
}
