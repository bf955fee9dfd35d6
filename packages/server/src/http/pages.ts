// Lists: `?limit&cursor` → `{data, nextCursor, hasMore}`. A cursor is opaque to the outside; inside it is the last id.
import { z } from 'zod'
import { FlowForgeError } from '../errors.ts'

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().max(200).optional(),
})

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), nextCursor: z.string().nullable(), hasMore: z.boolean() })

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const isUuid = (text: string): boolean => UUID.test(text)

export function readCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!isUuid(id)) throw new FlowForgeError('validation_failed', 'cursor: this is not a cursor of this list')
  return id
}

/** `rows` were asked for with one more than `limit`, to know whether there is more. */
export function page<Row extends { id: string }, View>(rows: Row[], limit: number, view: (row: Row) => View) {
  const shown = rows.slice(0, limit)
  const hasMore = rows.length > limit
  const last = shown.at(-1)
  return {
    data: shown.map(view),
    nextCursor: hasMore && last ? Buffer.from(last.id).toString('base64url') : null,
    hasMore,
  }
}
