// The empty list teaches: how one gets from nothing to a first result, here and in the terminal.
import { Link } from '@tanstack/react-router'
import { Check } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Repository } from '../api/types.ts'
import { paths } from '../paths.ts'
import { Button } from '../ui/Button.tsx'
import { CommandLine } from '../ui/CopyButton.tsx'
import { cn } from '../ui/classes.ts'

export function FirstSteps({ repositories }: { repositories: Repository[] | undefined }) {
  const hasRepository = Boolean(repositories?.length)
  return (
    <section aria-labelledby="first-steps" className="mx-auto w-full max-w-2xl px-4 py-10 md:px-6">
      <h2 id="first-steps" className="text-xl font-semibold tracking-tight">
        Run your first job
      </h2>
      <p className="mt-1 text-sm text-ink-2">
        Describe a task in words. Claude Code works on it in an isolated container, you watch, and a branch
        comes back.
      </p>
      <ol className="mt-6 divide-y rounded-lg border">
        <Step number={1} done={hasRepository} title="Add a repository" command="flowforge repo add NAME URL">
          <Button asChild look={hasRepository ? 'secondary' : 'primary'}>
            <Link {...paths.repositories()}>{hasRepository ? 'See repositories' : 'Add repository'}</Link>
          </Button>
        </Step>
        <Step
          number={2}
          title="Give it a task"
          command={'flowforge run "Fix the failing tests and explain what was wrong" --repo NAME'}
        >
          <Button asChild look={hasRepository ? 'primary' : 'secondary'}>
            <Link {...paths.newJob()}>New job</Link>
          </Button>
        </Step>
        <Step number={3} title="Take the work" command="flowforge job diff NUMBER | git apply">
          <p className="text-sm text-ink-2">
            The job’s page shows what was done, the diff and how to fetch the branch.
          </p>
        </Step>
      </ol>
    </section>
  )
}

function Step({
  number,
  done = false,
  title,
  command,
  children,
}: {
  number: number
  done?: boolean
  title: string
  command: string
  children: ReactNode
}) {
  return (
    <li className="flex gap-3 p-4">
      <span
        aria-hidden
        className={cn(
          'grid size-6 shrink-0 place-items-center rounded-full border text-xs font-medium',
          done ? 'border-transparent bg-green-soft text-green' : 'text-ink-2',
        )}
      >
        {done ? <Check className="size-3.5" /> : number}
      </span>
      <div className="min-w-0 flex-1 space-y-2.5">
        <h3 className="pt-0.5 text-sm font-semibold">
          {title}
          {done && <span className="sr-only"> (done)</span>}
        </h3>
        {children}
        <div>
          <p className="mb-1 text-xs text-ink-3">In the terminal</p>
          <CommandLine command={command} label={`Copy the command: ${title}`} />
        </div>
      </div>
    </li>
  )
}
