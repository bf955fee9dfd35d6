// The head of a page: its title and what can be done here.
import type { ReactNode } from 'react'

export function PageHeader({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <header className="flex min-h-14 flex-wrap items-center gap-2 px-4 py-2 md:px-6">
      <h1 className="mr-auto text-lg font-semibold tracking-tight">{title}</h1>
      {children}
    </header>
  )
}
