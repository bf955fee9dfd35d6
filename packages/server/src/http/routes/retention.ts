// How long things are kept: the settings of an organization, what they would delete now, and a run of it.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Principal } from '../../auth/principal.ts'
import { FlowForgeError } from '../../errors.ts'
import { type Doomed, previewRetention } from '../../retention/preview.ts'
import { type Retention, retentionOf } from '../../retention/settings.ts'
import { applyRetentionOf } from '../../retention/sweep.ts'
import { clearRetention, setRetention } from '../../store/retention.ts'
import type { HttpContext } from '../context.ts'
import { Problem } from '../problems.ts'

const days = z.int().min(1).max(36_500).nullable()
const KeepDays = z.strictObject({ jobs: days, events: days, artifacts: days, mirrors: days }).meta({
  id: 'KeepDays',
  description:
    "In days after a job's end, of mirrors after their last use; null: for ever. `jobs`: everything but the ledger; `events`: the story alone; `mirrors`: copies of repositories whose upstream has all of it",
})
const RetentionView = z
  .object({ keepDays: KeepDays, own: z.boolean(), installation: KeepDays })
  .meta({ id: 'Retention' })
const DoomedView = z
  .object({
    count: z.int(),
    /** In object storage, or of mirrors on the server's machine. */
    bytes: z.number(),
    oldest: z.iso.datetime().nullable(),
    newest: z.iso.datetime().nullable(),
    sample: z.array(z.object({ id: z.string(), name: z.string(), at: z.iso.datetime() })),
  })
  .meta({ id: 'Doomed' })
const Preview = z
  .object({
    keepDays: KeepDays,
    jobs: DoomedView,
    events: DoomedView,
    artifacts: DoomedView,
    mirrors: DoomedView,
  })
  .meta({ id: 'RetentionPreview' })
const Removed = z.object({ jobs: z.int(), events: z.int(), artifacts: z.int() }).meta({ id: 'RetentionRun' })

export const retentionRoutes =
  (context: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    const { database, keepDays: installation, log } = context
    const errors = { 401: Problem, 403: Problem, 422: Problem, 503: Problem }
    const settingsOf = (organizationId: string): Promise<Retention> =>
      database.inOrganization(organizationId, tx => retentionOf(tx, organizationId, installation))
    const view = async (organizationId: string) => ({ ...(await settingsOf(organizationId)), installation })

    app.get(
      '/retention',
      {
        schema: {
          operationId: 'getRetention',
          tags: ['organizations'],
          response: { 200: RetentionView, ...errors },
        },
      },
      ({ principal }) => view(principal.organizationId),
    )

    app.put(
      '/retention',
      {
        schema: {
          operationId: 'setRetention',
          tags: ['organizations'],
          description: 'Takes effect with the next regular run, within the hour. Ask for a preview first.',
          body: KeepDays,
          response: { 200: RetentionView, ...errors },
        },
      },
      async ({ principal, body }) => {
        requireAdmin(principal)
        const { organizationId, userId } = principal
        await database.inOrganization(organizationId, tx =>
          setRetention(tx, organizationId, userId, {
            jobs_days: body.jobs,
            events_days: body.events,
            artifacts_days: body.artifacts,
            mirrors_days: body.mirrors,
          }),
        )
        log.info({ audit: 'retention', organizationId, by: userId, keepDays: body }, 'retention was set')
        return view(organizationId)
      },
    )

    app.delete(
      '/retention',
      {
        schema: {
          operationId: 'clearRetention',
          tags: ['organizations'],
          description: 'Back to the settings of the installation.',
          response: { 200: RetentionView, ...errors },
        },
      },
      async ({ principal }) => {
        requireAdmin(principal)
        const { organizationId, userId } = principal
        await database.inOrganization(organizationId, tx => clearRetention(tx, organizationId))
        log.info({ audit: 'retention', organizationId, by: userId, keepDays: null }, 'retention was set')
        return view(organizationId)
      },
    )

    app.post(
      '/retention/preview',
      {
        schema: {
          operationId: 'previewRetention',
          tags: ['organizations'],
          description: 'What would go now, with these settings or those that stand. Deletes nothing.',
          body: KeepDays.partial().nullish(),
          response: { 200: Preview, ...errors },
        },
      },
      async ({ principal: { organizationId }, body }) => {
        const keepDays = { ...(await settingsOf(organizationId)).keepDays, ...body }
        const { mirrorBytes } = context.files
        const found = await previewRetention({ database, mirrorBytes }, organizationId, keepDays)
        return {
          keepDays,
          jobs: viewDoomed(found.jobs),
          events: viewDoomed(found.events),
          artifacts: viewDoomed(found.artifacts),
          mirrors: viewDoomed(found.mirrors),
        }
      },
    )

    app.post(
      '/retention/run',
      {
        schema: {
          operationId: 'runRetention',
          tags: ['organizations'],
          description:
            'Deletes now what the regular run would, but for mirrors: each worker looks after those of its machine.',
          response: { 200: Removed, ...errors },
        },
      },
      async ({ principal }, reply) => {
        requireAdmin(principal)
        const gone = new AbortController()
        reply.raw.on('close', () => gone.abort())
        const { organizationId, userId } = principal
        return applyRetentionOf({ database, log, installation }, organizationId, userId, gone.signal)
      },
    )
  }

function requireAdmin({ role }: Principal): void {
  if (role !== 'owner' && role !== 'admin')
    throw new FlowForgeError('not_allowed', 'An owner or admin decides how long things are kept.')
}

const viewDoomed = ({ count, bytes, oldest, newest, sample }: Doomed): z.infer<typeof DoomedView> => ({
  count,
  bytes,
  oldest: oldest?.toISOString() ?? null,
  newest: newest?.toISOString() ?? null,
  sample: sample.map(({ id, name, at }) => ({ id, name, at: at.toISOString() })),
})
