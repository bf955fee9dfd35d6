// A labelled form control with hint and error, tied together for screen readers. Knows no form library.
import { CircleAlert } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import { cn } from './classes.ts'

export const controlClasses =
  'w-full min-w-0 rounded-md border border-line-strong bg-canvas px-2.5 text-sm text-ink placeholder:text-ink-3 hover:border-ink-3 focus-visible:outline-offset-0 aria-invalid:border-red dark:bg-raised'

export interface ControlProps {
  id: string
  'aria-describedby': string | undefined
  'aria-invalid': true | undefined
}

export function Field({
  label,
  hint,
  error,
  optional,
  className,
  children,
}: {
  label: ReactNode
  hint?: ReactNode
  error?: string
  optional?: boolean
  className?: string
  children: (control: ControlProps) => ReactNode
}) {
  const id = useId()
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ') || undefined
  return (
    <div className={cn('min-w-0', className)}>
      <label htmlFor={id} className="mb-1 flex items-baseline gap-1.5 text-sm font-medium">
        {label}
        {optional && <span className="text-xs font-normal text-ink-3">optional</span>}
      </label>
      {children({ id, 'aria-describedby': described, 'aria-invalid': error ? true : undefined })}
      {error && <FieldMessage id={`${id}-error`}>{error}</FieldMessage>}
      {hint && (
        <div id={`${id}-hint`} className="mt-1 text-xs text-ink-3">
          {hint}
        </div>
      )}
    </div>
  )
}

export function FieldMessage({ id, children }: { id?: string; children: ReactNode }) {
  return (
    <p id={id} className="mt-1 flex items-start gap-1 text-xs text-red">
      <CircleAlert className="mt-0.5 size-3 shrink-0" aria-hidden />
      <span>{children}</span>
    </p>
  )
}
