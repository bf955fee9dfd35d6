// Claude's questions with their options, and room for words of one's own.
import { type FormEvent, useState } from 'react'
import { ErrorNotice } from '../shell/ErrorNotice.tsx'
import { revealHidden } from '../text/hidden.ts'
import type { RequestEntry } from '../transcript/entries.ts'
import { type Question, questionsIn } from '../transcript/requests.ts'
import { Button } from '../ui/Button.tsx'
import { FieldMessage } from '../ui/Field.tsx'
import { Input } from '../ui/Input.tsx'
import { answersOf, type Choice, noChoice } from './answers.ts'
import { useReply, useVerdict } from './use-conversation.ts'

export function QuestionForm({ jobId, request }: { jobId: string; request: RequestEntry }) {
  const questions = questionsIn(request.input)
  const [choices, setChoices] = useState<Choice[]>(() => questions.map(() => noChoice))
  const [isRefused, setRefused] = useState(false)
  const reply = useReply(jobId)
  const verdict = useVerdict(jobId)
  const answers = answersOf(questions, choices)
  const isComplete = Object.keys(answers).length === questions.length

  function send(event: FormEvent) {
    event.preventDefault()
    setRefused(!isComplete)
    if (isComplete) reply.mutate({ answers })
  }
  const change = (index: number, choice: Choice) =>
    setChoices(before => before.map((one, at) => (at === index ? choice : one)))

  return (
    <form onSubmit={send} className="space-y-4">
      {questions.map((question, index) => (
        <OneQuestion
          // Two may have the same words.
          // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes
          key={index}
          question={question}
          name={`${request.requestId}-${index}`}
          choice={choices[index] ?? noChoice}
          onChange={choice => change(index, choice)}
        />
      ))}
      {isRefused && !isComplete && <FieldMessage>Answer each question, or let Claude decide.</FieldMessage>}
      {reply.isError && <ErrorNotice error={reply.error} />}
      {verdict.isError && <ErrorNotice error={verdict.error} />}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" busy={reply.isPending}>
          Send answer
        </Button>
        <Button
          look="ghost"
          busy={verdict.isPending}
          onClick={() => verdict.mutate({ requestId: request.requestId, decision: 'deny' })}
        >
          Let Claude decide
        </Button>
      </div>
    </form>
  )
}

function OneQuestion({
  question: { question, header, options, isMultiple },
  name,
  choice,
  onChange,
}: {
  question: Question
  name: string
  choice: Choice
  onChange: (choice: Choice) => void
}) {
  const toggle = (label: string, isOn: boolean) => {
    if (!isMultiple) return onChange({ labels: [label], words: '' })
    const others = choice.labels.filter(one => one !== label)
    onChange({ ...choice, labels: isOn ? [...others, label] : others })
  }
  return (
    <fieldset>
      <legend className="mb-2 text-sm font-medium wrap-anywhere">
        {header && <span className="mr-2 text-xs font-normal text-ink-3">{revealHidden(header)}</span>}
        {revealHidden(question)}
      </legend>
      <div className="space-y-1.5">
        {options.map(({ label, description }) => (
          <label
            key={label}
            className="flex cursor-pointer items-start gap-2.5 rounded-md border bg-canvas px-3 py-2 text-sm hover:bg-hover has-checked:border-violet has-checked:bg-violet-soft"
          >
            <input
              type={isMultiple ? 'checkbox' : 'radio'}
              name={name}
              className="mt-1 accent-violet"
              checked={choice.labels.includes(label)}
              onChange={event => toggle(label, event.target.checked)}
            />
            <span className="min-w-0 wrap-anywhere">
              <span className="font-medium">{revealHidden(label)}</span>
              {description && <span className="block text-ink-2">{revealHidden(description)}</span>}
            </span>
          </label>
        ))}
        <Input
          aria-label={`In your own words: ${question}`}
          placeholder="In your own words"
          value={choice.words}
          onChange={event => onChange({ labels: isMultiple ? choice.labels : [], words: event.target.value })}
        />
      </div>
    </fieldset>
  )
}
