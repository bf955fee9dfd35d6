// Makes, changes and removes schedules. What could never run is refused here, and not noticed at night.
import { v7 as uuidv7 } from 'uuid'
import { FlowForgeError } from '../errors.ts'
import { checkSubmission, type Submission, type Submitter } from '../jobs/submission.ts'
import { type Database, isUniqueViolation, type Transaction } from '../store/database.ts'
import { type Answer, answerOnce, type Once } from '../store/idempotency.ts'
import { holdRepository } from '../store/repositories.ts'
import {
  deleteSchedule,
  findSchedule,
  insertSchedule,
  lockSchedule,
  type Missed,
  type Overlap,
  type ScheduleRow,
  updateSchedule,
} from '../store/schedules.ts'
import { readCron } from './cron.ts'

/** What each of its jobs is submitted with. */
export type Template = Omit<Submission, 'repositoryId' | 'branch' | 'runAt' | 'needs' | 'baseFrom'>

export interface Wanted {
  name: string
  repositoryId: string
  cron: string
  timezone: string
  job: Template
  overlap: Overlap
  missed: Missed
  enabled: boolean
}

export const createSchedule = <Body>(
  database: Database,
  by: Submitter,
  wanted: Wanted,
  once: Once | null,
  view: (row: ScheduleRow) => Body,
): Promise<Answer<Body>> =>
  named(wanted.name, () =>
    database.inOrganization(by.organizationId, tx =>
      answerOnce(tx, by.organizationId, once, async () => {
        await check(tx, by.organizationId, wanted)
        const row = await insertSchedule(tx, {
          id: uuidv7(),
          organization_id: by.organizationId,
          repository_id: wanted.repositoryId,
          name: wanted.name,
          cron: wanted.cron,
          timezone: wanted.timezone,
          job: { ...wanted.job },
          overlap: wanted.overlap,
          missed: wanted.missed,
          enabled: wanted.enabled,
          next_run_at: nextRunOf(wanted),
          created_by: by.userId,
        })
        return { status: 201, body: view(row) }
      }),
    ),
  )

/** A paused schedule is due never; resumed it is due at its next time, and owes none of those between. */
export const changeSchedule = (
  database: Database,
  by: Submitter,
  id: string,
  change: Partial<Wanted>,
): Promise<ScheduleRow> =>
  named(change.name ?? '', () =>
    database.inOrganization(by.organizationId, async tx => {
      const row = known(await lockSchedule(tx, by.organizationId, id))
      const { cron = row.cron, timezone = row.timezone, enabled = row.enabled } = change
      const job = change.job ?? (row.job as unknown as Template)
      await check(tx, by.organizationId, { cron, timezone, job, repositoryId: change.repositoryId })
      const isMoved = cron !== row.cron || timezone !== row.timezone || enabled !== row.enabled
      return updateSchedule(tx, id, {
        name: change.name ?? row.name,
        repository_id: change.repositoryId,
        cron,
        timezone,
        job: change.job && { ...change.job },
        overlap: change.overlap,
        missed: change.missed,
        enabled,
        next_run_at: isMoved ? nextRunOf({ cron, timezone, enabled }) : undefined,
      })
    }),
  )

export const removeSchedule = (database: Database, by: Submitter, id: string): Promise<void> =>
  database.inOrganization(by.organizationId, async tx => {
    if (!(await deleteSchedule(tx, by.organizationId, id))) throw notFound()
  })

export const requireSchedule = async (
  tx: Transaction,
  organizationId: string,
  id: string,
): Promise<ScheduleRow> => known(await findSchedule(tx, organizationId, id))

const nextRunOf = ({
  cron,
  timezone,
  enabled,
}: Pick<Wanted, 'cron' | 'timezone' | 'enabled'>): Date | null =>
  enabled ? readCron(cron, timezone).next(new Date()) : null

async function check(
  tx: Transaction,
  organizationId: string,
  {
    cron,
    timezone,
    job,
    repositoryId,
  }: Pick<Wanted, 'cron' | 'timezone' | 'job'> & { repositoryId?: string },
): Promise<void> {
  readCron(cron, timezone)
  checkSubmission({ ...job, repositoryId: repositoryId ?? '' })
  if (repositoryId !== undefined && !(await holdRepository(tx, organizationId, repositoryId)))
    throw new FlowForgeError(
      'repository_not_found',
      'There is no repository with this id. List them with: flowforge repo list',
    )
}

const known = (row: ScheduleRow | undefined): ScheduleRow => {
  if (!row) throw notFound()
  return row
}
const notFound = () =>
  new FlowForgeError(
    'schedule_not_found',
    'There is no schedule with this id. List them with: flowforge schedule list',
  )

async function named<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!isUniqueViolation(error, 'schedules_name')) throw error
    throw new FlowForgeError(
      'schedule_name_taken',
      `There is a schedule named ${name} already. Choose another name, or change that one.`,
    )
  }
}
