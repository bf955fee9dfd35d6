// Encryption around an adapter: what lies in a bucket or a folder shows nothing and can not be changed, cut or moved to
// another key unnoticed (sealed-stream.ts).
import { Readable } from 'node:stream'
import { checkByUse } from './check-by-use.ts'
import type { ObjectStorage } from './port.ts'
import { openStream, sealStream } from './sealed-stream.ts'

/** `key`: 32 bytes, derived from the master key for this purpose. */
export function createEncryptedStorage(inner: ObjectStorage, key: Buffer): ObjectStorage {
  const storage: Omit<ObjectStorage, 'check'> = {
    put: async (name, body) => {
      const sealed = sealStream(key, name, body instanceof Uint8Array ? [body] : body)
      // Of a known size where it is known: S3 then takes it in one request.
      await inner.put(
        name,
        body instanceof Uint8Array
          ? Buffer.concat(await Array.fromAsync(sealed))
          : Readable.from(sealed, { objectMode: false }),
      )
    },
    get: async name => {
      const sealed = await inner.get(name)
      if (!sealed) return null
      const opened = Readable.from(openStream(key, name, sealed), { objectMode: false })
      return opened.on('close', () => sealed.destroy())
    },
    list: prefix => inner.list(prefix),
    delete: names => inner.delete(names),
  }
  return {
    ...storage,
    check: async () => {
      const found = await inner.check()
      return found.ok ? checkByUse(storage, found.summary)() : found
    },
  }
}
