// The mark and the name.
import { Link } from '@tanstack/react-router'
import { paths } from '../paths.ts'

export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden="true">
      <rect width="32" height="32" rx="7" className="fill-primary" />
      <path d="M9 8h14v4H13.5v3.5H21v4h-7.5V25H9z" className="fill-on-primary" />
      <circle cx="22.5" cy="22.5" r="3" className="fill-ember" />
    </svg>
  )
}

export function Brand() {
  return (
    <Link {...paths.jobs()} className="flex items-center gap-2 rounded font-semibold tracking-tight text-ink">
      <Mark className="size-5" />
      FlowForge
    </Link>
  )
}
