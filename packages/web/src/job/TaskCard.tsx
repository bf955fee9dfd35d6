// The task as it was given, cut to a few lines until someone wants all of it.
import { useState } from 'react'
import { revealHidden } from '../text/hidden.ts'
import { Button } from '../ui/Button.tsx'
import { cn } from '../ui/classes.ts'

const LONG = 420

export function TaskCard({ task }: { task: string }) {
  const [whole, setWhole] = useState(false)
  const long = task.length > LONG || task.split('\n').length > 7
  return (
    <section aria-label="Task" className="rounded-lg bg-raised px-4 py-3">
      <p className={cn('text-base wrap-anywhere whitespace-pre-wrap', long && !whole && 'line-clamp-6')}>
        {revealHidden(whole ? task : task.slice(0, 4_000))}
      </p>
      {long && (
        <Button
          look="ghost"
          size="sm"
          className="mt-1 -ml-2"
          aria-expanded={whole}
          onClick={() => setWhole(!whole)}
        >
          {whole ? 'Show less' : 'Show all'}
        </Button>
      )}
    </section>
  )
}
