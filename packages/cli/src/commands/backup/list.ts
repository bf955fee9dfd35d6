// flowforge backup list: what lies in a folder or bucket of backups, newest first. Needs no key.
import { defineCommand } from '../../command.ts'
import { formatMoment } from '../../output/format.ts'
import { plainLine } from '../../output/plain-text.ts'
import { printTable } from '../../output/table.ts'
import { type BackupFlags, runBackupProgram } from '../../work/backup-program.ts'

interface Listed {
  destination: string
  backups: { name: string; createdAt: string; version: string; sizeBytes: number }[]
}

export const command = defineCommand<BackupFlags, BackupFlags>({
  describe: command =>
    command
      .option('--to <place>', 'a folder or s3://bucket/prefix (FLOWFORGE_BACKUP_URL, else the data folder)')
      .option('--data-dir <folder>', 'where everything is kept (FLOWFORGE_DATA_DIR)'),
  parse: (_args, flags) => flags,
  run: (flags, context) =>
    runBackupProgram<Listed>(['list'], flags, context, ({ destination, backups }) => {
      if (backups.length === 0)
        return context.output.message(`There are no backups in ${plainLine(destination)}.`)
      printTable(
        context.output,
        [
          { title: 'NAME', text: backup => plainLine(backup.name), flexible: true },
          { title: 'MADE', text: backup => formatMoment(backup.createdAt) },
          { title: 'VERSION', text: backup => plainLine(backup.version) },
          { title: 'MIB', text: backup => (backup.sizeBytes / 1024 ** 2).toFixed(1) },
        ],
        backups,
      )
    }),
})
