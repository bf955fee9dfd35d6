// Lists that come in pages: as one stream of items, or page by page.
import type { Page } from './types.ts'

export interface Pages<T> extends AsyncIterable<T> {
  /** The first page alone: one request. */
  first(): Promise<Page<T>>
  pages(): AsyncIterable<Page<T>>
}

export type LoadPage<T> = (cursor: string | undefined) => Promise<Page<T>>

export function createPages<T>(load: LoadPage<T>): Pages<T> {
  async function* pages(): AsyncGenerator<Page<T>> {
    let cursor: string | undefined
    do {
      const page = await load(cursor)
      yield page
      cursor = page.hasMore ? (page.nextCursor ?? undefined) : undefined
    } while (cursor !== undefined)
  }
  return {
    first: () => load(undefined),
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const page of pages()) yield* page.data
    },
  }
}
