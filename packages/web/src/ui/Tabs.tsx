// Tabs with arrow keys, as Radix does them, in the console's look.
import { Tabs as Primitive } from 'radix-ui'
import type { ReactNode } from 'react'

export const Tabs = Primitive.Root
export const TabPanel = Primitive.Content

export function TabList({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Primitive.List aria-label={label} className="-mb-px flex gap-4">
      {children}
    </Primitive.List>
  )
}

export function Tab({ value, children }: { value: string; children: ReactNode }) {
  return (
    <Primitive.Trigger
      value={value}
      className="flex h-9 items-center gap-1.5 border-b-2 border-transparent text-sm font-medium text-ink-2 hover:text-ink focus-visible:-outline-offset-2 data-[state=active]:border-ink data-[state=active]:text-ink"
    >
      {children}
    </Primitive.Trigger>
  )
}
