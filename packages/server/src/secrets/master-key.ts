// Where the master key comes from: the configuration, else a file in the data folder that is made once, mode 0600.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { FlowForgeError } from '../errors.ts'
import { readOrMakeSecret } from './secret-file.ts'

export function loadMasterKey({
  configured,
  dataDirectory,
}: {
  configured: string | null
  dataDirectory: string
}): Buffer {
  if (configured) return Buffer.from(configured, 'base64')
  const file = join(dataDirectory, 'master-key')
  const { secret } = readOrMakeSecret(file, () => randomBytes(32).toString('base64'))
  const key = Buffer.from(secret, 'base64')
  if (key.length !== 32)
    throw new FlowForgeError(
      'config_invalid',
      `${file} does not hold 32 bytes in base64. Restore it from your backup.`,
    )
  return key
}
