// Reads a whole backup and checks every byte of it, without changing anything.
import { type Manifest, readArchive } from './archive.ts'
import type { BackupFacts } from './create.ts'
import { type BackupHeader, openBackup } from './envelope.ts'
import type { NamedBackup } from './places.ts'

export interface VerifiedBackup {
  header: BackupHeader
  manifest: Manifest<BackupFacts>
}

/** Throws `backup_damaged`, `backup_key_wrong` or `backup_not_found`. */
export async function verifyBackup(backup: NamedBackup, key: Buffer): Promise<VerifiedBackup> {
  const bytes = await backup.read()
  try {
    const { header, archive } = await openBackup(key, bytes)
    const reader = readArchive<BackupFacts>(archive)
    for await (const { body } of reader.entries()) for await (const _ of body);
    return { header, manifest: reader.manifest() }
  } finally {
    bytes.destroy()
  }
}
