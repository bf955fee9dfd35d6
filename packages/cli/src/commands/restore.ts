// flowforge restore FILE: puts a backup into an empty system. Overwrites nothing.
import { defineCommand } from '../command.ts'
import { formatCount } from '../output/format.ts'
import { plainLine } from '../output/plain-text.ts'
import { type BackupFlags, runBackupProgram } from '../work/backup-program.ts'

interface Restored {
  createdAt: string
  rows: number
  repositories: number
  objects: number
  lostAttempts: number
  queuedJobs: number
  objectsKeptElsewhere: boolean
}

export const command = defineCommand<BackupFlags, BackupFlags & { backup: string }>({
  describe: command =>
    command
      .argument('<backup>', 'a file, or s3://bucket/prefix/NAME')
      .option('--data-dir <folder>', 'an empty data folder (FLOWFORGE_DATA_DIR)'),
  parse: ([backup], flags) => ({ ...flags, backup: backup! }),
  run: ({ backup, ...flags }, context) =>
    runBackupProgram<Restored>(['restore', backup], flags, context, restored => {
      const { output } = context
      output.line(
        `Restored the system of ${plainLine(restored.createdAt)} (rows: ${restored.rows}, repositories: ${restored.repositories}, objects: ${restored.objects}).`,
      )
      for (const note of notes(restored)) output.message(note)
    }),
})

/** What somebody has to know before the first start. */
const notes = ({ lostAttempts, queuedJobs, objectsKeptElsewhere }: Restored): string[] => [
  ...(lostAttempts > 0
    ? [
        `${formatCount(lostAttempts, 'job')} ran then: tried again at the next start, or failed as worker_lost.`,
      ]
    : []),
  ...(queuedJobs > 0
    ? [`${formatCount(queuedJobs, 'job')} had not started: they start, also if they did so after the backup.`]
    : []),
  ...(objectsKeptElsewhere
    ? ['Stored objects are not in this backup: start with the same FLOWFORGE_STORAGE_URL as before.']
    : []),
  'API keys and members are those of then: revoke again what was revoked since. People sign in again.',
]
