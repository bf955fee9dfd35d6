// The order of jobs that need each other within one batch, and the cycle when there is none. Pure.
import { FlowForgeError } from '../errors.ts'

export interface KeyedSubmission {
  /** The job's name within its batch. */
  key?: string
  needs?: string[]
  baseFrom?: string
}

/** What a job needs, with `baseFrom` among it. */
export const needsOf = ({ needs = [], baseFrom }: KeyedSubmission): string[] => [
  ...new Set(baseFrom === undefined ? needs : [...needs, baseFrom]),
]

/**
 * Positions in the batch such that every job comes behind those of the batch that it needs. Throws `needs_cycle`, and
 * `validation_failed` when two jobs have the same key.
 */
export function orderOf(submissions: readonly KeyedSubmission[]): number[] {
  const byKey = positionsByKey(submissions)
  const inner = submissions.map(submission =>
    needsOf(submission).flatMap(reference => byKey.get(reference) ?? []),
  )
  const order: number[] = []
  const placed = new Set<number>()
  const place = (position: number, path: number[]): void => {
    if (placed.has(position)) return
    if (path.includes(position)) throw cycle([...path.slice(path.indexOf(position)), position], submissions)
    for (const needed of inner[position]!) place(needed, [...path, position])
    placed.add(position)
    order.push(position)
  }
  submissions.forEach((_, position) => void place(position, []))
  return order
}

export function positionsByKey(submissions: readonly KeyedSubmission[]): Map<string, number> {
  const byKey = new Map<string, number>()
  submissions.forEach(({ key }, position) => {
    if (key === undefined) return
    if (byKey.has(key))
      throw new FlowForgeError(
        'validation_failed',
        `jobs.${position}.key: "${key}" names two jobs of this batch. Give each a key of its own.`,
        { details: { errors: [{ path: `jobs.${position}.key`, message: 'is taken within this batch' }] } },
      )
    byKey.set(key, position)
  })
  return byKey
}

function cycle(positions: number[], submissions: readonly KeyedSubmission[]): FlowForgeError {
  const names = positions.map(position => submissions[position]!.key!)
  return new FlowForgeError(
    'needs_cycle',
    `needs: these jobs wait for each other: ${names.join(' → ')}. Remove one of these needs.`,
    { details: { errors: [{ path: `jobs.${positions[0]}.needs`, message: 'is part of a cycle' }] } },
  )
}
