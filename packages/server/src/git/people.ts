// Smart HTTP for people: everyone who may read fetches from any repository, who may write pushes to a hosted one. Who that is was
// decided before. What FlowForge keeps under refs/flowforge is neither seen nor touched.
import { access } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { isValidBranchName } from '@flowforge/protocol'
import type { GitSettings } from './environment.ts'
import { createPacketReader } from './pkt-line.ts'
import { readRef } from './reading.ts'
import { type RefCommand, readPushRequest } from './receive-pack.ts'
import { HIDDEN_REFS } from './refname.ts'
import { runGit } from './run.ts'
import {
  advertise,
  answerFailure,
  answerText,
  requestBody,
  routeGit,
  type ServeOptions,
  serveRpc,
} from './smart-http.ts'
import { removeStale } from './stale-files.ts'

export interface PeopleGitOptions {
  pathOf(repositoryId: string): string
  limits?: Partial<PeopleLimits>
  denyDeletes?: boolean
  denyForcePushes?: boolean
  /** Called when refs have moved, before the client learns that its push is done. */
  onMoved?(repositoryId: string, refs: readonly RefUpdate[]): Promise<void>
}

export interface PeopleLimits {
  maxPushBytes: number
  maxObjectBytes: number
  maxFetchRequestBytes: number
  timeoutMs: number
}

export interface PeopleRequest {
  repositoryId: string
  kind: 'hosted' | 'mirror'
  /** The path after `….git`, with its query. */
  pathRest: string
  canPush: boolean
}

export interface RefUpdate {
  ref: string
  old: string | null
  new: string | null
}

export const DEFAULT_PEOPLE_LIMITS: PeopleLimits = {
  maxPushBytes: 4 * 1024 ** 3,
  maxObjectBytes: 1024 ** 3,
  maxFetchRequestBytes: 64 * 1024 ** 2,
  timeoutMs: 60 * 60_000,
}

const FETCH_SETTINGS: GitSettings = [
  ['transfer.hideRefs', HIDDEN_REFS],
  ['uploadpack.allowFilter', 'true'],
]

export function createPeopleGit({
  pathOf,
  limits,
  denyDeletes = false,
  denyForcePushes = false,
  onMoved,
}: PeopleGitOptions) {
  const { maxPushBytes, maxObjectBytes, maxFetchRequestBytes, timeoutMs } = {
    ...DEFAULT_PEOPLE_LIMITS,
    ...limits,
  }
  const pushSettings: GitSettings = [
    // Hidden refs can't be updated either: only branches and tags are left.
    ['transfer.hideRefs', 'refs'],
    ['transfer.hideRefs', '!refs/heads'],
    ['transfer.hideRefs', '!refs/tags'],
    ['receive.fsckObjects', 'true'],
    ['receive.autogc', 'false'],
    ['receive.denyDeletes', String(denyDeletes)],
    ['receive.denyNonFastForwards', String(denyForcePushes)],
    ['receive.maxInputSize', String(maxPushBytes)],
    // One pack to flush to disk instead of a file for each object.
    ['receive.unpackLimit', '1'],
    ['pack.threads', '1'],
    ['core.bigFileThreshold', '16m'],
  ]

  const serving = (asked: PeopleRequest, service: string): ServeOptions =>
    service === 'upload-pack'
      ? {
          repository: pathOf(asked.repositoryId),
          settings: FETCH_SETTINGS,
          maxRequestBytes: maxFetchRequestBytes,
          timeoutMs,
        }
      : {
          repository: pathOf(asked.repositoryId),
          settings: pushSettings,
          maxRequestBytes: maxPushBytes,
          timeoutMs,
          variables: { GIT_ALLOC_LIMIT: String(maxObjectBytes) },
        }

  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    asked: PeopleRequest,
  ): Promise<void> {
    try {
      await answer(request, response, asked)
    } catch (error) {
      answerFailure(request, response, error)
    }
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    asked: PeopleRequest,
  ): Promise<void> {
    const route = routeGit(request, asked.pathRest)
    if (route.kind === 'refused') return answerText(response, route.status, route.message)
    const refusal = route.service === 'receive-pack' ? refusalOf(asked) : null
    if (refusal !== null) return answerText(response, 403, refusal)
    const options = serving(asked, route.service)
    if (route.kind === 'advertise') return advertise(request, response, route.service, options)
    if (route.service === 'upload-pack') return serveRpc(request, response, 'upload-pack', options)
    return receive(request, response, asked.repositoryId, options)
  }

  async function receive(
    request: IncomingMessage,
    response: ServerResponse,
    repositoryId: string,
    options: ServeOptions,
  ): Promise<void> {
    const reader = createPacketReader(requestBody(request, options.maxRequestBytes)[Symbol.asyncIterator]())
    const { commands } = await readPushRequest(reader)
    await removeStaleRefLocks(options.repository, commands)
    const beforeEnd = async () => {
      const moved = await movedRefs(options.repository, commands)
      if (moved.length === 0) return
      await adoptDefaultBranch(options.repository, moved)
      await onMoved?.(repositoryId, moved)
    }
    await serveRpc(
      request,
      response,
      'receive-pack',
      { ...options, beforeEnd },
      Readable.from(reader.replay()),
    )
  }

  return { handle }
}
export type PeopleGit = ReturnType<typeof createPeopleGit>

function refusalOf({ kind, canPush }: PeopleRequest): string | null {
  if (kind === 'mirror')
    return 'This repository has an upstream: push there. FlowForge fetches it before each job.'
  return canPush ? null : 'Your role does not allow you to push to this repository.'
}

/** A hosted repository is never fetched into, so this is where locks of a killed Git would stay in the way. */
async function removeStaleRefLocks(repository: string, commands: readonly RefCommand[]): Promise<void> {
  const names = commands
    .map(command => command.ref)
    .filter(ref => isValidBranchName(ref.replace(/^refs\/(heads|tags)\//, '')))
  const files = [...names, 'packed-refs', 'HEAD'].map(name => join(repository, `${name}.lock`))
  const present = await Promise.all(
    files.map(file =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  )
  const locks = files.filter((_, index) => present[index])
  if (locks.length > 0) await removeStale(repository, locks)
}

async function movedRefs(repository: string, commands: readonly RefCommand[]): Promise<RefUpdate[]> {
  if (commands.length === 0) return []
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags']
  const lines = (await runGit(args, { repository })).stdout.toString().split('\n')
  const now = new Map(
    lines.map(line => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]),
  )
  return commands.filter(({ ref, old, new: wanted }) => wanted !== old && (now.get(ref) ?? null) === wanted)
}

/** The first push may bring another branch than the one the repository was made with: what came is the default then. */
async function adoptDefaultBranch(repository: string, moved: readonly RefUpdate[]): Promise<void> {
  const branch = moved.find(({ ref, new: commit }) => ref.startsWith('refs/heads/') && commit !== null)
  if (branch === undefined || (await readRef(repository, 'HEAD')) !== null) return
  await runGit(['symbolic-ref', 'HEAD', branch.ref], { repository })
}
