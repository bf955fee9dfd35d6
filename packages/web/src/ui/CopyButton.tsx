// Copies a value and says so, to the eye and to a screen reader.
import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button } from './Button.tsx'
import { copyText } from './clipboard.ts'

const SHOWN_MS = 1_600

export function CopyButton({
  value,
  label,
  className,
}: {
  value: string
  label: string
  className?: string
}) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle')
  useEffect(() => {
    if (state === 'idle') return
    const timer = setTimeout(() => setState('idle'), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [state])
  return (
    <>
      <Button
        look="ghost"
        size="icon-sm"
        aria-label={label}
        title={label}
        className={className}
        onClick={async () => setState((await copyText(value)) ? 'copied' : 'failed')}
      >
        {state === 'copied' ? <Check className="text-green" /> : <Copy />}
      </Button>
      <span role="status" className="sr-only">
        {state === 'copied' ? 'Copied' : state === 'failed' ? 'Copying is not possible here' : ''}
      </span>
    </>
  )
}

/** A command line to copy. */
export function CommandLine({ command, label }: { command: string; label: string }) {
  return (
    <div className="flex min-w-0 items-start gap-1 rounded-md border bg-raised py-1 pr-1 pl-2.5">
      <code className="min-w-0 flex-1 py-0.5 font-mono text-xs leading-5 break-all whitespace-pre-wrap">
        {command}
      </code>
      <CopyButton value={command} label={label} />
    </div>
  )
}
