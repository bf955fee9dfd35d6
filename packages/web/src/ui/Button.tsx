// Buttons and links that look like them. Knows no router: `Slot` dresses whatever link it is given.
import { cva, type VariantProps } from 'class-variance-authority'
import { LoaderCircle } from 'lucide-react'
import { Slot } from 'radix-ui'
import type { ComponentProps } from 'react'
import { cn } from './classes.ts'

const button = cva(
  'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-colors select-none disabled:cursor-not-allowed disabled:opacity-55 [&_svg]:size-4 [&_svg]:shrink-0',
  {
    variants: {
      look: {
        primary: 'bg-primary text-on-primary hover:bg-primary-hover',
        secondary:
          'border border-line-strong bg-canvas text-ink hover:bg-hover dark:bg-raised dark:hover:bg-active',
        ghost: 'text-ink-2 hover:bg-hover hover:text-ink',
        danger:
          'border border-line-strong bg-canvas text-red hover:border-red hover:bg-red-soft dark:bg-raised',
      },
      size: {
        sm: 'h-7 px-2 text-xs',
        md: 'h-8 px-3 text-sm',
        icon: 'size-8 text-sm pointer-coarse:size-10',
        'icon-sm': 'size-6 rounded pointer-coarse:size-9 [&_svg]:size-3.5',
      },
    },
    defaultVariants: { look: 'secondary', size: 'md' },
  },
)

export interface ButtonProps extends ComponentProps<'button'>, VariantProps<typeof button> {
  /** Dresses the only child (a link) instead of making a button. */
  asChild?: boolean
  busy?: boolean
}

export function Button({ look, size, asChild, busy, className, children, ...rest }: ButtonProps) {
  const classes = cn(button({ look, size }), className)
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    )
  }
  return (
    <button
      type="button"
      className={classes}
      aria-busy={busy || undefined}
      {...rest}
      // Still focusable while it works, so that the focus isn't lost.
      aria-disabled={busy || undefined}
      onClick={event => {
        if (busy) event.preventDefault()
        else rest.onClick?.(event)
      }}
    >
      {busy && <LoaderCircle className="animate-spin" aria-hidden />}
      {children}
    </button>
  )
}
