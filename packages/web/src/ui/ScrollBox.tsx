// A box with more in it than it shows. It takes the focus, or a keyboard could not scroll it.
import type { ReactNode } from 'react'

export function ScrollBox({
  label,
  className,
  children,
}: {
  label: string
  className: string
  children: ReactNode
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: no fieldset; and a section would be one landmark among hundreds
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div role="group" tabIndex={0} aria-label={label} className={className}>
      {children}
    </div>
  )
}
