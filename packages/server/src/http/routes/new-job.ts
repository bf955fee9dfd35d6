// The form of a job in requests and answers: alone, in a batch, in a schedule.
import { Job, Priority, Questions } from '@flowforge/protocol'
import { z } from 'zod'
import type { BatchSubmission } from '../../jobs/submit.ts'

/** The one schema of this name: a second one would be refused by the API's description. */
export const JobBody = Job.meta({ id: 'Job' })

const MAX_TASK_CHARACTERS = 100_000
const DAY_SECONDS = 24 * 3600
const hasNoNul = (text: string): boolean => !text.includes('\0')
const NUL_REFUSED = 'NUL characters can not be used'
const command = z.string().trim().min(1).max(10_000).refine(hasNoNul, NUL_REFUSED)

export const BudgetUsd = z.number().min(0.01).max(100_000)
export const RunAt = z.iso
  .datetime({ offset: true })
  .meta({ description: 'Not before this time; at most a year ahead' })

const reference = z
  .string()
  .regex(
    /^([0-9]{1,9}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/,
    "This is not a job's id or number",
  )

/** What says how a job works, wherever it comes from. */
const work = {
  task: z
    .string()
    .refine(text => text.trim() !== '', 'Say in words what is to be done')
    .refine(hasNoNul, NUL_REFUSED)
    .max(
      MAX_TASK_CHARACTERS,
      `A task has at most ${MAX_TASK_CHARACTERS} characters; put long material into the repository`,
    ),
  baseBranch: z.string().min(1).max(250).optional(),
  priority: Priority.optional(),
  verify: z.array(command).max(20).optional(),
  setup: z.array(command).max(20).optional(),
  environment: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
      z.string().max(10_000).refine(hasNoNul, NUL_REFUSED),
    )
    .optional(),
  model: z.string().min(1).max(100).optional(),
  budgetUsd: BudgetUsd.optional(),
  timeoutSeconds: z
    .int()
    .min(10)
    .max(7 * DAY_SECONDS)
    .optional(),
  queueTimeoutSeconds: z
    .int()
    .min(1)
    .max(30 * DAY_SECONDS)
    .optional()
    .meta({ description: 'How long it may wait in the queue; a week unless said otherwise' }),
  maxAttempts: z.int().min(1).max(20).optional(),
  planFirst: z
    .boolean()
    .optional()
    .meta({ description: 'Claude only plans, until a person approves the plan' }),
  questions: Questions.optional().meta({ description: 'decide: Claude asks nobody' }),
  cache: z
    .boolean()
    .optional()
    .meta({ description: 'An earlier result of the same task on the same commit will do' }),
}

const needs = (item: z.ZodString) => ({
  needs: z
    .array(item)
    .max(50)
    .optional()
    .meta({ description: 'Ids or numbers of jobs that must have succeeded before this one starts' }),
  baseFrom: item
    .optional()
    .meta({ description: 'A needed job: start from its result, not from the base branch' }),
})

const submission = {
  repositoryId: z.uuid(),
  ...work,
  branch: z.string().min(1).max(250).optional(),
  runAt: RunAt.optional(),
}

export const NewJob = z.strictObject({ ...submission, ...needs(reference) }).meta({ id: 'NewJob' })

/** A key begins with a letter and has no form of an id: it can not be taken for one. */
const key = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/,
    'Letters, digits, dot, dash and underscore, a letter first; at most 64',
  )

export const NewBatch = z
  .strictObject({
    jobs: z
      .array(
        z.strictObject({
          ...submission,
          key: key.optional().meta({ description: "The job's name within this batch, for `needs`" }),
          ...needs(z.string().min(1).max(64)),
        }),
      )
      .min(1)
      .max(100),
  })
  .meta({ id: 'NewBatch' })

/** The jobs of a schedule differ in their time alone; each gets a branch of its own. */
export const NewJobTemplate = z.strictObject(work).meta({ id: 'NewJobTemplate' })
/** As it is shown: what a newer version has written into it is left out, and is no error. */
export const JobTemplate = z.object(work).meta({ id: 'JobTemplate' })

export const submissionOf = ({
  runAt,
  ...rest
}: z.infer<typeof NewBatch>['jobs'][number]): BatchSubmission => ({
  ...rest,
  runAt: runAt === undefined ? undefined : new Date(runAt),
})
