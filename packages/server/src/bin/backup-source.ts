// What a backup of this installation is made of, and how its key is called.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import type { BackupSource } from '../backup/create.ts'
import { openPlace } from '../backup/places.ts'
import { runBackup } from '../backup/run-backup.ts'
import { scheduledBackups } from '../backup/schedule.ts'
import type { Config } from '../config.ts'
import type { Mirrors } from '../git/mirrors.ts'
import type { SweepTask } from '../jobs/sweeper.ts'
import type { Sealing } from '../secrets/sealing.ts'
import type { ObjectStorage } from '../storage/port.ts'
import type { Foundation } from './foundation.ts'

export const backupKey = (sealing: Sealing): Buffer => sealing.derive('backups')

export const gitDirectoryOf = (config: Config): string => join(config.dataDirectory, 'git')

/** Data that is neither rows, repositories nor objects: which SSH hosts were seen first with which key. */
export const filesOf = (config: Config): Record<string, string> => ({
  known_hosts: join(gitDirectoryOf(config), 'ssh', 'known_hosts'),
})

export function backupSource(parts: {
  config: Config
  owner: pg.ClientConfig
  mirrors: Mirrors
  storage: ObjectStorage
  installationId: string
}): BackupSource {
  const { config, owner, mirrors, storage, installationId } = parts
  const files = Object.fromEntries(Object.entries(filesOf(config)).filter(([, path]) => existsSync(path)))
  return { owner, mirrors, storage, files, version: config.version, installationId }
}

/** Objects in the data folder go along; a bucket keeps its own. */
export const objectsOf = (config: Config): 'copied' | 'referenced' =>
  config.storage.kind === 's3' ? 'referenced' : 'copied'

export function backupSweep(foundation: Foundation): SweepTask[] {
  const { config, database, log, sealing } = foundation
  if (!config.backup) return []
  const { where, schedule, keep } = config.backup
  const place = openPlace(where, config.s3Credentials)
  return [
    scheduledBackups({
      database,
      schedule,
      log,
      makeBackup: (now, signal) =>
        runBackup(backupSource(foundation), database, {
          place,
          scheduled: true,
          keep,
          key: backupKey(sealing),
          now,
          objects: objectsOf(config),
          signal,
        }),
    }),
  ]
}
