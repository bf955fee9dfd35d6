// Text field, text area that grows with its text, and the platform's own select.
import { ChevronDown } from 'lucide-react'
import type { ComponentProps } from 'react'
import { cn } from './classes.ts'
import { controlClasses } from './Field.tsx'

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input className={cn(controlClasses, 'h-8 pointer-coarse:h-10', className)} {...rest} />
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return (
    <textarea
      className={cn(controlClasses, 'field-sizing-content max-h-[60dvh] py-2 leading-5', className)}
      {...rest}
    />
  )
}

export function Select({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <span className={cn('relative inline-flex min-w-0', className)}>
      <select
        className={cn(controlClasses, 'h-8 appearance-none truncate pr-7 pointer-coarse:h-10')}
        {...rest}
      >
        {children}
      </select>
      <ChevronDown
        className="pointer-events-none absolute top-1/2 right-2 size-3.5 -translate-y-1/2 text-ink-3"
        aria-hidden
      />
    </span>
  )
}
