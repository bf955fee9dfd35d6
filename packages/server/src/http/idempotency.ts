// Idempotency-Key on every POST that creates: the same key and request give the same answer for a day. What the answer is
// kept with stands in store/idempotency.ts.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Once } from '../store/idempotency.ts'

export const IdempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'The same key and body give the same answer, for 24 hours' }),
})

/** `route` with its parameters: a key that was used for another route was used for another request. */
export function onceOf(
  headers: { 'idempotency-key'?: string | undefined },
  route: string,
  body: unknown,
): Once | null {
  const key = headers['idempotency-key']
  if (key === undefined) return null
  return {
    key,
    requestHash: createHash('sha256')
      .update(`${route}\n${canonical(body ?? null)}`)
      .digest('hex'),
  }
}

/** JSON with sorted names: the same request in another order is the same request. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_name, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
