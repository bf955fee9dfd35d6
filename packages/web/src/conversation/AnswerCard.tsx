// What a job waits for, to be decided here: questions, a plan, a call.
import { MessageCircleQuestion } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import type { RequestEntry } from '../transcript/entries.ts'
import { CallForm } from './CallForm.tsx'
import { PlanForm } from './PlanForm.tsx'
import { QuestionForm } from './QuestionForm.tsx'
import { ReplyForm } from './ReplyForm.tsx'

export function AnswerCard({ jobId, request }: { jobId: string; request: RequestEntry }) {
  switch (request.asks) {
    case 'question':
      return (
        <Card title="Claude has a question">
          <QuestionForm jobId={jobId} request={request} />
        </Card>
      )
    case 'plan':
      return (
        <Card title="Claude has a plan">
          <PlanForm jobId={jobId} request={request} />
        </Card>
      )
    case 'tool':
      return (
        <Card title="Claude asks for permission">
          <CallForm jobId={jobId} request={request} />
        </Card>
      )
    default:
      return (
        <Card title="Claude waits for your reply">
          <ReplyForm jobId={jobId} label="Your reply" action="Send" />
        </Card>
      )
  }
}

function Card({ title, children }: { title: string; children: ReactNode }) {
  const id = useId()
  return (
    <section
      aria-labelledby={id}
      className="animate-rise rounded-lg border-2 border-violet/50 bg-raised p-4 shadow-overlay"
    >
      <h2 id={id} className="mb-3 flex items-center gap-2 text-base font-semibold">
        <MessageCircleQuestion className="size-4.5 text-violet" aria-hidden />
        {title}
      </h2>
      {children}
    </section>
  )
}
