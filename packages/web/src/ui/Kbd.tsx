// A key on the keyboard.
import type { ReactNode } from 'react'

export function Kbd({ children }: { children: ReactNode }) {
  return (
    <kbd className="inline-grid h-5 min-w-5 place-items-center rounded border border-line-strong bg-canvas px-1 font-sans text-xs text-ink-2">
      {children}
    </kbd>
  )
}
