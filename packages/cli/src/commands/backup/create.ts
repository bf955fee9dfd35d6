// flowforge backup [create]: a whole, encrypted backup of the system on this machine, also while it runs.
import { defineCommand } from '../../command.ts'
import { plainLine } from '../../output/plain-text.ts'
import { type BackupFlags, runBackupProgram } from '../../work/backup-program.ts'

interface Flags extends BackupFlags {
  objects?: string
}

interface Made {
  name: string
  destination: string
  sizeBytes: number
  sameDisk: boolean
}

export const command = defineCommand<Flags, Flags>({
  describe: command =>
    command
      .option('--to <place>', 'a folder or s3://bucket/prefix (FLOWFORGE_BACKUP_URL, else the data folder)')
      .option('--objects <how>', 'copy: also take along objects that lie in a bucket')
      .option('--data-dir <folder>', 'where everything is kept (FLOWFORGE_DATA_DIR)'),
  parse: (_args, flags) => flags,
  run: (flags, context) =>
    runBackupProgram<Made>(
      ['create', ...(flags.objects === undefined ? [] : ['--objects', flags.objects])],
      flags,
      context,
      made => {
        const { output } = context
        output.line(`${plainLine(made.destination)}/${plainLine(made.name)}  ${formatBytes(made.sizeBytes)}`)
        output.message(
          'It is encrypted with the master key, which is not in it. Keep a copy of that key elsewhere (FLOWFORGE_MASTER_KEY, or the file master-key in the data folder): without it nobody can open the backup.',
        )
        if (made.sameDisk)
          output.message(
            'It lies in the data folder: copy it to another machine, or set FLOWFORGE_BACKUP_URL.',
          )
      },
    ),
})

const formatBytes = (bytes: number): string =>
  bytes < 1024 ** 2 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`
