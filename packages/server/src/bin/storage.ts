// Which object storage this installation has; whatever it is, what goes in is encrypted.
import type { StorageConfig } from '../config.ts'
import type { Sealing } from '../secrets/sealing.ts'
import { createEncryptedStorage } from '../storage/encrypted.ts'
import { createFileStorage } from '../storage/files.ts'
import type { ObjectStorage } from '../storage/port.ts'
import { createS3Storage } from '../storage/s3.ts'

export function createStorage(config: StorageConfig, sealing: Sealing): ObjectStorage {
  const plain =
    config.kind === 's3'
      ? createS3Storage({ ...config.location, credentials: config.credentials })
      : createFileStorage({ directory: config.directory })
  return createEncryptedStorage(plain, sealing.derive('objects'))
}
