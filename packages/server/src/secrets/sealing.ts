// Encryption at rest: AES-256-GCM with the master key (NIST SP 800-38D). A sealed value says its form in the first byte,
// and is bound to what it belongs to (`context`), so that it can't be moved to another row.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { FlowForgeError } from '../errors.ts'

const FORM = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface Sealing {
  seal(text: string, context: string): Buffer
  open(sealed: Buffer, context: string): string
  /** A key for one purpose, derived from the master key (HKDF, RFC 5869). */
  derive(purpose: string): Buffer
}

export function createSealing(masterKey: Buffer): Sealing {
  const derive = (purpose: string) =>
    Buffer.from(hkdfSync('sha256', masterKey, '', `flowforge/${purpose}`, 32))
  const key = derive('sealing')
  return {
    derive,
    seal: (text, context) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.from([FORM]), nonce, cipher.getAuthTag(), body])
    },
    open: (sealed, context) => {
      if (sealed[0] !== FORM) throw wrongKey()
      const nonce = sealed.subarray(1, 1 + NONCE_BYTES)
      const tag = sealed.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES)
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
          .setAAD(Buffer.from(context))
          .setAuthTag(tag)
        return (
          decipher.update(sealed.subarray(1 + NONCE_BYTES + TAG_BYTES), undefined, 'utf8') +
          decipher.final('utf8')
        )
      } catch (error) {
        throw wrongKey(error)
      }
    },
  }
}

const wrongKey = (cause?: unknown) =>
  new FlowForgeError(
    'config_invalid',
    'A stored secret can not be opened with this master key. Set FLOWFORGE_MASTER_KEY to the key it was stored with.',
    { cause },
  )
