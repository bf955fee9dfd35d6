// A list of one-line texts: Enter adds the next line, Backspace in an empty one removes it.
import { Plus, X } from 'lucide-react'
import { type KeyboardEvent, useRef } from 'react'
import { Button } from './Button.tsx'
import { FieldMessage } from './Field.tsx'
import { Input } from './Input.tsx'

export function ListEditor({
  legend,
  hint,
  itemLabel,
  addLabel,
  placeholder,
  values,
  onChange,
  errorAt,
}: {
  legend: string
  hint?: string
  itemLabel: string
  addLabel: string
  placeholder?: string
  values: string[]
  onChange: (values: string[]) => void
  errorAt?: (index: number) => string | undefined
}) {
  const group = useRef<HTMLFieldSetElement>(null)
  const focusLine = (index: number) =>
    requestAnimationFrame(() => group.current?.querySelectorAll('input')[Math.max(0, index)]?.focus())

  function insertAfter(index: number) {
    onChange([...values.slice(0, index + 1), '', ...values.slice(index + 1)])
    focusLine(index + 1)
  }

  function removeAt(index: number) {
    onChange(values.filter((_, at) => at !== index))
    focusLine(index - 1)
  }

  function onKey(event: KeyboardEvent<HTMLInputElement>, index: number) {
    // With a modifier it sends the form.
    if (event.key === 'Enter' && !event.metaKey && !event.ctrlKey) {
      event.preventDefault()
      insertAfter(index)
    } else if (event.key === 'Backspace' && values[index] === '') {
      event.preventDefault()
      removeAt(index)
    }
  }

  return (
    <fieldset ref={group} className="min-w-0">
      <legend className="mb-1 flex items-baseline gap-1.5 text-sm font-medium">
        {legend}
        <span className="text-xs font-normal text-ink-3">optional</span>
      </legend>
      <div className="space-y-1.5">
        {values.map((value, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place
          <div key={index}>
            <div className="flex gap-1">
              <Input
                aria-label={`${itemLabel} ${index + 1}`}
                aria-invalid={errorAt?.(index) ? true : undefined}
                value={value}
                placeholder={placeholder}
                onChange={event =>
                  onChange(values.map((old, at) => (at === index ? event.target.value : old)))
                }
                onKeyDown={event => onKey(event, index)}
                autoCapitalize="none"
                autoComplete="off"
                spellCheck={false}
                className="font-mono text-xs"
              />
              <Button
                look="ghost"
                size="icon"
                aria-label={`Remove ${itemLabel.toLowerCase()} ${index + 1}`}
                onClick={() => removeAt(index)}
              >
                <X />
              </Button>
            </div>
            {errorAt?.(index) && <FieldMessage>{errorAt(index)}</FieldMessage>}
          </div>
        ))}
        <Button size="sm" onClick={() => insertAfter(values.length - 1)}>
          <Plus aria-hidden />
          {addLabel}
        </Button>
      </div>
      {hint && <p className="mt-1 text-xs text-ink-3">{hint}</p>}
    </fieldset>
  )
}
