// What each check of `doctor` says: how it is, in words, and what to do when it is not well.
import { z } from 'zod'

export const CheckResult = z
  .object({
    name: z.string(),
    status: z.enum(['ok', 'warning', 'problem']),
    summary: z.string(),
    next: z.string().optional(),
  })
  .meta({ id: 'CheckResult' })
export type CheckResult = z.infer<typeof CheckResult>

export type Check = () => Promise<CheckResult>

/** Something that is not well has a next step. */
export type Finding = { status: 'warning' | 'problem'; summary: string; next: string }

const RANK = { warning: 1, problem: 2 }

/** One line for a check that found several things: the worst decides, all are told. */
export function judge(name: string, well: string, findings: (Finding | null)[]): CheckResult {
  const found = findings
    .filter(finding => finding !== null)
    .toSorted((a, b) => RANK[b.status] - RANK[a.status])
  const [worst] = found
  if (!worst) return { name, status: 'ok', summary: well }
  return {
    name,
    status: worst.status,
    summary: found.map(({ summary }) => summary).join(' '),
    next: [...new Set(found.map(({ next }) => next))].join(' '),
  }
}

export const duration = (seconds: number): string => {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`
  return seconds < 48 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}

export const gibibytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`

/** `1 container`, `2 containers`. */
export const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
