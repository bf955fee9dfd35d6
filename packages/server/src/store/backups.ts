// SQL of the record of backups that this installation made.
import sql from 'sql-template-tag'
import type { Transaction } from './database.ts'

export interface BackupRow {
  id: string
  destination: string
  name: string
  scheduled: boolean
  started_at: Date
  finished_at: Date | null
  size_bytes: number | null
  problem: string | null
}

export const insertBackup = (
  tx: Transaction,
  backup: Pick<BackupRow, 'id' | 'destination' | 'name' | 'scheduled'>,
): Promise<number> =>
  tx.run(sql`
    insert into backups (id, destination, name, scheduled)
    values (${backup.id}, ${backup.destination}, ${backup.name}, ${backup.scheduled})`)

export const finishBackup = (
  tx: Transaction,
  id: string,
  end: { sizeBytes: number } | { problem: string },
): Promise<number> =>
  tx.run(sql`
    update backups set finished_at = now(), size_bytes = ${'sizeBytes' in end ? end.sizeBytes : null},
      problem = ${'problem' in end ? end.problem : null}
    where id = ${id}`)

export const latestBackups = async (
  tx: Transaction,
): Promise<{ last: BackupRow | undefined; lastGood: BackupRow | undefined }> => ({
  last: await tx.first(sql`select * from backups where scheduled order by started_at desc limit 1`),
  lastGood: await tx.first(sql`
    select * from backups where finished_at is not null and problem is null order by started_at desc limit 1`),
})

/** What a process that died had begun; only the one that makes scheduled backups asks for this. */
export const endInterrupted = (tx: Transaction): Promise<number> =>
  tx.run(sql`
    update backups set finished_at = now(), problem = 'The process that made it ended.'
    where scheduled and finished_at is null`)

export const installationSince = async (tx: Transaction): Promise<{ createdAt: Date; now: Date }> =>
  (await tx.first<{ createdAt: Date; now: Date }>(
    sql`select created_at as "createdAt", now() as now from installation`,
  ))!

export const countHostedRepositories = async (tx: Transaction): Promise<number> =>
  (await tx.first<{ count: number }>(sql`select count(*) from repositories where url is null`))!.count
