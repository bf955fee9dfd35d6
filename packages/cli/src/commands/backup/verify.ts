// flowforge backup verify FILE: reads all of it and checks every byte, changing nothing.
import { defineCommand } from '../../command.ts'
import { plainLine } from '../../output/plain-text.ts'
import { type BackupFlags, runBackupProgram } from '../../work/backup-program.ts'

interface Verified {
  createdAt: string
  version: string
  entries: number
  sizeBytes: number
}

export const command = defineCommand<BackupFlags, BackupFlags & { backup: string }>({
  describe: command =>
    command
      .argument('<backup>', 'a file, or s3://bucket/prefix/NAME')
      .option('--data-dir <folder>', 'where the master key is (FLOWFORGE_DATA_DIR)'),
  parse: ([backup], flags) => ({ ...flags, backup: backup! }),
  run: ({ backup, ...flags }, context) =>
    runBackupProgram<Verified>(['verify', backup], flags, context, ({ createdAt, entries, sizeBytes }) =>
      context.output.line(
        `${plainLine(backup)} is whole: ${entries} entries, ${(sizeBytes / 1024 ** 2).toFixed(1)} MiB, made at ${plainLine(createdAt)}.`,
      ),
    ),
})
