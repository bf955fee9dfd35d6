// Repositories: list, add, show, change, remove, and what their jobs may reach.

import { isValidBranchName } from '@flowforge/protocol'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { FlowForgeError } from '../../errors.ts'
import { addRepository, HOSTED_HAS_NO_UPSTREAM, nameTaken } from '../../repositories/add.ts'
import { credentialContext } from '../../repositories/credentials.ts'
import { readEgressPattern } from '../../repositories/egress-pattern.ts'
import { removeRepository } from '../../repositories/remove.ts'
import { isUniqueViolation } from '../../store/database.ts'
import {
  findRepository,
  listRepositories,
  type RepositoryRow,
  updateRepository,
} from '../../store/repositories.ts'
import type { HttpContext } from '../context.ts'
import { IdempotencyHeader, onceOf } from '../idempotency.ts'
import { PageQuery, page, pageOf, readCursor } from '../pages.ts'
import { Problem } from '../problems.ts'
import { MaxRunning } from './limits.ts'

const Name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'Letters, digits, dot, dash and underscore; at most 100')
  .refine(name => !/\.(git|lock)$/i.test(name), 'A name does not end in .git or .lock')
const BranchName = z.string().refine(isValidBranchName, 'This is not a branch name')
const command = z.string().trim().min(1).max(10_000)

const Credential = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('token'),
    username: z.string().min(1).max(255).optional(),
    token: z.string().min(1).max(10_000),
  }),
  z.strictObject({ type: z.literal('ssh'), privateKey: z.string().min(1).max(20_000) }),
])
/** `Tool`, `Tool(what)`: https://code.claude.com/docs/en/permissions. */
const PermissionRule = z
  .string()
  .max(1_000)
  .regex(/^[A-Za-z_][\w-]*(\([^\0\n]+\))?$/, 'A permission rule such as WebFetch, or Bash(git push:*)')
const Settings = z.strictObject({
  setup: z.array(command).max(20).optional(),
  verify: z.array(command).max(20).optional(),
  approvals: z
    .array(PermissionRule)
    .max(100)
    .optional()
    .meta({ description: "Claude Code's permission rules for what needs a person's yes" }),
})
const Domain = z
  .string()
  .max(253)
  .refine(text => readEgressPattern(text) !== undefined, 'A domain such as example.org, or *.example.org')
const Egress = z.strictObject({ allow: z.array(Domain).max(200) })

const Repository = z
  .object({
    id: z.string(),
    organizationId: z.string(),
    name: z.string(),
    /** null: hosted here. */
    url: z.string().nullable(),
    defaultBranch: z.string().nullable(),
    hasCredential: z.boolean(),
    settings: Settings,
    maxRunning: z.int().nullable(),
    egress: Egress,
    /** Where people fetch from, and push to when it is hosted. */
    gitUrl: z.string(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Repository' })

export const repositoryRoutes =
  (context: HttpContext): FastifyPluginAsyncZod =>
  async app => {
    const { database } = context
    const errors = { 401: Problem, 404: Problem, 409: Problem, 422: Problem }
    const Params = z.object({ id: z.uuid() })

    const view = (slug: string) => (row: RepositoryRow) => {
      const { egressAllow, setup, verify, approvals } = row.settings
      return {
        id: row.id,
        organizationId: row.organization_id,
        name: row.name,
        url: row.url,
        defaultBranch: row.default_branch,
        hasCredential: row.credential !== null,
        settings: { setup, verify, approvals },
        maxRunning: row.max_running,
        egress: { allow: egressAllow ?? [] },
        gitUrl: `${context.publicUrl}/git/${slug}/${row.name}.git`,
        createdAt: row.created_at.toISOString(),
      }
    }
    const known = (row: RepositoryRow | undefined): RepositoryRow => {
      if (!row)
        throw new FlowForgeError(
          'repository_not_found',
          'There is no repository with this id. List them with: flowforge repo list',
        )
      return row
    }

    app.get(
      '/repositories',
      {
        schema: {
          operationId: 'listRepositories',
          tags: ['repositories'],
          querystring: PageQuery,
          response: { 200: pageOf(Repository), ...errors },
        },
      },
      async request => {
        const { limit, cursor } = request.query
        const { organizationId, organization } = request.principal
        const rows = await database.inOrganization(organizationId, tx =>
          listRepositories(tx, organizationId, { limit: limit + 1, before: readCursor(cursor) }),
        )
        return page(rows, limit, view(organization.slug))
      },
    )

    const NewRepository = z
      .strictObject({
        name: Name,
        url: z.string().min(1).max(4096).optional(),
        defaultBranch: BranchName.optional(),
        credential: Credential.optional(),
        settings: Settings.optional(),
      })
      .meta({ id: 'NewRepository' })
    app.post(
      '/repositories',
      {
        schema: {
          operationId: 'createRepository',
          tags: ['repositories'],
          body: NewRepository,
          headers: IdempotencyHeader,
          response: { 201: Repository, ...errors },
        },
      },
      async (request, reply) => {
        const once = onceOf(request.headers, 'POST /repositories', request.body)
        const viewed = view(request.principal.organization.slug)
        const { body } = await addRepository(context, request.principal, request.body, once, viewed)
        return reply.code(201).header('location', `/api/v1/repositories/${body.id}`).send(body)
      },
    )

    app.get(
      '/repositories/:id',
      {
        schema: {
          operationId: 'getRepository',
          tags: ['repositories'],
          params: Params,
          response: { 200: Repository, ...errors },
        },
      },
      async request => {
        const { organizationId, organization } = request.principal
        return view(organization.slug)(
          known(
            await database.inOrganization(organizationId, tx =>
              findRepository(tx, organizationId, request.params.id),
            ),
          ),
        )
      },
    )

    const Change = z
      .strictObject({
        name: Name.optional(),
        defaultBranch: BranchName.optional(),
        credential: Credential.optional(),
        settings: Settings.optional(),
        maxRunning: MaxRunning.optional(),
      })
      .meta({ id: 'RepositoryChange' })
    app.patch(
      '/repositories/:id',
      {
        schema: {
          operationId: 'updateRepository',
          tags: ['repositories'],
          params: Params,
          body: Change,
          response: { 200: Repository, ...errors },
        },
      },
      async request => {
        const { organizationId, organization } = request.principal
        const { name, defaultBranch, credential, settings, maxRunning } = request.body
        const { id } = request.params
        const sealed = credential && context.sealing.seal(JSON.stringify(credential), credentialContext(id))
        const change = {
          name,
          default_branch: defaultBranch,
          settings,
          credential: sealed,
          max_running: maxRunning,
        }
        try {
          const row = await database.inOrganization(organizationId, async tx => {
            const { url } = known(await findRepository(tx, organizationId, id))
            if (credential && url === null)
              throw new FlowForgeError('validation_failed', HOSTED_HAS_NO_UPSTREAM)
            return updateRepository(tx, organizationId, id, change)
          })
          return view(organization.slug)(known(row))
        } catch (error) {
          throw isUniqueViolation(error, 'repositories_name') ? nameTaken(name!) : error
        }
      },
    )

    app.delete(
      '/repositories/:id',
      {
        schema: {
          operationId: 'deleteRepository',
          tags: ['repositories'],
          params: Params,
          response: { 204: z.null(), ...errors },
        },
      },
      async (request, reply) => {
        await removeRepository(context, request.principal.organizationId, request.params.id)
        return reply.code(204).send(null)
      },
    )

    app.get(
      '/repositories/:id/egress',
      {
        schema: {
          operationId: 'getEgress',
          tags: ['repositories'],
          params: Params,
          response: { 200: Egress, ...errors },
        },
      },
      async request => {
        const { organizationId } = request.principal
        const row = known(
          await database.inOrganization(organizationId, tx =>
            findRepository(tx, organizationId, request.params.id),
          ),
        )
        return { allow: row.settings.egressAllow ?? [] }
      },
    )

    app.put(
      '/repositories/:id/egress',
      {
        schema: {
          operationId: 'setEgress',
          tags: ['repositories'],
          params: Params,
          body: Egress,
          response: { 200: Egress, ...errors },
        },
      },
      async request => {
        const { organizationId } = request.principal
        const { allow } = request.body
        known(
          await database.inOrganization(organizationId, tx =>
            updateRepository(tx, organizationId, request.params.id, { settings: { egressAllow: allow } }),
          ),
        )
        return { allow }
      },
    )
  }
