// Schedules: list, make, show, change, remove, run now; what became of their due times; a look ahead.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { previewRuns, readCron } from '../../schedules/cron.ts'
import { describeCron } from '../../schedules/describe-cron.ts'
import { runScheduleNow } from '../../schedules/fire.ts'
import { changeSchedule, createSchedule, removeSchedule, requireSchedule } from '../../schedules/save.ts'
import {
  listRuns,
  listSchedules,
  MISSED,
  OVERLAPS,
  RUN_OUTCOMES,
  type ScheduleRow,
} from '../../store/schedules.ts'
import type { HttpContext } from '../context.ts'
import { IdempotencyHeader, onceOf } from '../idempotency.ts'
import { PageQuery, page, pageOf, readCursor } from '../pages.ts'
import { Problem } from '../problems.ts'
import { JobBody, JobTemplate, NewJobTemplate } from './new-job.ts'

const Name = z.string().trim().min(1).max(100)
const Cron = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .meta({ description: 'minute hour day month weekday, or @hourly @daily @weekly @monthly @yearly' })
const Timezone = z
  .string()
  .min(1)
  .max(100)
  .meta({ description: 'An IANA name such as Europe/Berlin; UTC when none is given' })
const Overlap = z.enum(OVERLAPS).meta({
  description:
    'When the run before is unfinished: skip this one (default), queue it behind that one, or cancel that one',
})
const Missed = z.enum(MISSED).meta({
  description:
    'When FlowForge did not run at a due time: skip it, or run once (default) for all that were missed',
})

const Schedule = z
  .object({
    id: z.string(),
    organizationId: z.string(),
    name: z.string(),
    /** null: the repository was removed. */
    repositoryId: z.string().nullable(),
    cron: z.string(),
    timezone: z.string(),
    /** The cron expression in words. */
    description: z.string(),
    job: JobTemplate,
    overlap: z.enum(OVERLAPS),
    missed: z.enum(MISSED),
    enabled: z.boolean(),
    nextRunAt: z.iso.datetime().nullable(),
    lastRunAt: z.iso.datetime().nullable(),
    lastJobId: z.string().nullable(),
    /** Why the last run made no job. */
    lastError: z.object({ code: z.string(), message: z.string(), at: z.iso.datetime() }).nullable(),
    createdBy: z.string().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Schedule' })

const ScheduleRun = z
  .object({
    dueAt: z.iso.datetime(),
    outcome: z.enum(RUN_OUTCOMES),
    jobId: z.string().nullable(),
    jobNumber: z.int().nullable(),
    message: z.string().nullable(),
  })
  .meta({ id: 'ScheduleRun' })

const view = (row: ScheduleRow): z.infer<typeof Schedule> => ({
  id: row.id,
  organizationId: row.organization_id,
  name: row.name,
  repositoryId: row.repository_id,
  cron: row.cron,
  timezone: row.timezone,
  description: describeCron(row.cron),
  job: row.job as z.infer<typeof JobTemplate>,
  overlap: row.overlap,
  missed: row.missed,
  enabled: row.enabled,
  nextRunAt: row.next_run_at?.toISOString() ?? null,
  lastRunAt: row.last_run_at?.toISOString() ?? null,
  lastJobId: row.last_job_id,
  lastError: row.last_error,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
})

/** Applied here and not in the schema: what has a default there counts as required in generated clients. */
const DEFAULTS = { timezone: 'UTC', overlap: 'skip', missed: 'run_once', enabled: true } as const

const RUNS_SHOWN = 100
const PREVIEWED = 3

export const scheduleRoutes =
  (context: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    const { database } = context
    const errors = { 401: Problem, 404: Problem, 409: Problem, 422: Problem }
    const Params = z.object({ id: z.uuid() })
    const describe = (operationId: string, summary: string) => ({ operationId, summary, tags: ['schedules'] })

    app.get(
      '/schedules',
      {
        schema: {
          ...describe('listSchedules', 'Newest first'),
          querystring: PageQuery,
          response: { 200: pageOf(Schedule), ...errors },
        },
      },
      async request => {
        const { limit, cursor } = request.query
        const { organizationId } = request.principal
        const rows = await database.inOrganization(organizationId, tx =>
          listSchedules(tx, organizationId, { limit: limit + 1, before: readCursor(cursor) }),
        )
        return page(rows, limit, view)
      },
    )

    const NewSchedule = z
      .strictObject({
        name: Name,
        repositoryId: z.uuid(),
        cron: Cron,
        timezone: Timezone.optional(),
        job: NewJobTemplate,
        overlap: Overlap.optional(),
        missed: Missed.optional(),
        enabled: z.boolean().optional(),
      })
      .meta({ id: 'NewSchedule' })
    app.post(
      '/schedules',
      {
        schema: {
          ...describe('createSchedule', 'Submits a job again and again'),
          body: NewSchedule,
          headers: IdempotencyHeader,
          response: { 201: Schedule, ...errors },
        },
      },
      async (request, reply) => {
        const once = onceOf(request.headers, 'POST /schedules', request.body)
        const { body } = await createSchedule(
          database,
          request.principal,
          { ...DEFAULTS, ...request.body },
          once,
          view,
        )
        return reply.code(201).header('location', `/api/v1/schedules/${body.id}`).send(body)
      },
    )

    app.get(
      '/schedules/preview',
      {
        schema: {
          ...describe('previewSchedule', 'What a cron expression means, and when it is due next'),
          querystring: z.object({ cron: Cron, timezone: Timezone.default('UTC') }),
          response: {
            200: z
              .object({ description: z.string(), runs: z.array(z.iso.datetime()) })
              .meta({ id: 'SchedulePreview' }),
            ...errors,
          },
        },
      },
      async request => {
        const { cron, timezone } = request.query
        const runs = previewRuns(readCron(cron, timezone), new Date(), PREVIEWED)
        return { description: describeCron(cron), runs: runs.map(run => run.toISOString()) }
      },
    )

    app.get(
      '/schedules/:id',
      {
        schema: {
          ...describe('getSchedule', 'Shows one'),
          params: Params,
          response: { 200: Schedule, ...errors },
        },
      },
      async request => {
        const { organizationId } = request.principal
        return view(
          await database.inOrganization(organizationId, tx =>
            requireSchedule(tx, organizationId, request.params.id),
          ),
        )
      },
    )

    const Change = z
      .strictObject({
        name: Name.optional(),
        repositoryId: z.uuid().optional(),
        cron: Cron.optional(),
        timezone: Timezone.optional(),
        job: NewJobTemplate.optional(),
        overlap: Overlap.optional(),
        missed: Missed.optional(),
        enabled: z.boolean().optional(),
      })
      .meta({ id: 'ScheduleChange' })
    app.patch(
      '/schedules/:id',
      {
        schema: {
          ...describe('changeSchedule', 'Changes what is given; enabled: false pauses it'),
          params: Params,
          body: Change,
          response: { 200: Schedule, ...errors },
        },
      },
      async request =>
        view(await changeSchedule(database, request.principal, request.params.id, request.body)),
    )

    app.delete(
      '/schedules/:id',
      {
        schema: {
          ...describe('deleteSchedule', 'Its jobs stay'),
          params: Params,
          response: { 204: z.null(), ...errors },
        },
      },
      async (request, reply) => {
        await removeSchedule(database, request.principal, request.params.id)
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/schedules/:id/run',
      {
        schema: {
          ...describe('runSchedule', 'Submits its job now, besides its due times'),
          params: Params,
          headers: IdempotencyHeader,
          response: { 201: JobBody, ...errors },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const once = onceOf(request.headers, `POST /schedules/${id}/run`, null)
        const { body } = await runScheduleNow(context, request.principal, id, once)
        return reply.code(201).header('location', `/api/v1/jobs/${body.id}`).send(body)
      },
    )

    app.get(
      '/schedules/:id/runs',
      {
        schema: {
          ...describe('listScheduleRuns', `The newest ${RUNS_SHOWN} due times, and what became of them`),
          params: Params,
          response: { 200: pageOf(ScheduleRun), ...errors },
        },
      },
      async request => {
        const { organizationId } = request.principal
        const rows = await database.inOrganization(organizationId, async tx => {
          await requireSchedule(tx, organizationId, request.params.id)
          return listRuns(tx, organizationId, request.params.id, RUNS_SHOWN)
        })
        const data = rows.map(row => ({
          dueAt: row.due_at.toISOString(),
          outcome: row.outcome,
          jobId: row.job_id,
          jobNumber: row.job_number,
          message: row.message,
        }))
        return { data, nextCursor: null, hasMore: false }
      },
    )
  }
