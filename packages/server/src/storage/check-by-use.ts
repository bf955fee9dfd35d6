// Whether a storage works is seen by using it: rights and space show at a write alone.
import { randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import type { ObjectStorage, StorageCheck } from './port.ts'

export const checkByUse =
  (storage: Omit<ObjectStorage, 'check'>, summary: string) => async (): Promise<StorageCheck> => {
    const key = `checks/${randomUUID()}`
    const body = Buffer.from('flowforge')
    try {
      await storage.put(key, body)
      const found = await storage.get(key)
      const same = found !== null && body.equals(await buffer(found))
      await storage.delete([key])
      return same ? { ok: true, summary } : { ok: false, summary, problem: 'What was put did not come back.' }
    } catch (error) {
      return { ok: false, summary, problem: (error as Error).message }
    }
  }
