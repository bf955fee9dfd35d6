// Git for containers: fetch from the attempt's mirror, and push of one thing, the job's own branch. A push is acknowledged when it
// has been checked and stored durably. Who the attempt is was decided by its token before.

import { rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, resolve } from 'node:path'
import { WORK_REF } from '@flowforge/protocol'
import { isFlowForgeError } from '../errors.ts'
import type { GitSettings } from '../git/environment.ts'
import type { Mirrors } from '../git/mirrors.ts'
import { createPacketReader, type PacketReader } from '../git/pkt-line.ts'
import {
  DEFAULT_PUSH_LIMITS,
  drain,
  openQuarantine,
  type PushLimits,
  PushRefused,
  type Quarantine,
} from '../git/quarantine.ts'
import { readRef } from '../git/reading.ts'
import { type PushRequest, pushAdvertisement, pushReport, readPushRequest } from '../git/receive-pack.ts'
import { attemptRef, branchRef, HIDDEN_REFS, jobRefs, rescueRef, workRef } from '../git/refname.ts'
import {
  advertise,
  answerFailure,
  answerText,
  protocolOf,
  requestBody,
  routeGit,
  type ServeOptions,
  serveRpc,
  startAnswer,
  version2Capabilities,
} from '../git/smart-http.ts'
import type { GatewayAttempt } from './attempt.ts'

export interface GitGatewayOptions {
  mirrors: Mirrors
  /** On the mirrors' file system. */
  quarantineDirectory: string
  /**
   * Called when a push is stored and before it is acknowledged: to record it. When it fails the push is not acknowledged but
   * stays stored, and is not sent again: what counts in the end is `mirrors.jobHead`.
   */
  onPush(attempt: GatewayAttempt, push: { commit: string; kind: PushKind }): Promise<void>
  onRefused(attempt: GatewayAttempt, refusal: { ref: string; reason: string }): Promise<void>
  /** A policy on what is pushed; a text refuses it. */
  inspect?(attempt: GatewayAttempt, push: InspectedPush): Promise<string | null>
  limits?: Partial<PushLimits>
}

/** `work` is unfinished, `rescue` what was left when an attempt broke off: kept apart, nobody publishes them. */
export type PushKind = 'result' | 'work' | 'rescue'

export interface InspectedPush {
  /** What the attempt had pushed before, or its base. */
  tip: string
  head: string
  /** What `head` adds to `tip`, newest first. */
  commits: string[]
  /** Runs a reading Git command that sees the pushed objects. */
  read: Quarantine['read']
}

const MAX_FETCH_REQUEST_BYTES = 64 * 1024 ** 2
const FETCH_TIMEOUT_MS = 60 * 60_000

export function createGitGateway({
  mirrors,
  quarantineDirectory,
  onPush,
  onRefused,
  inspect,
  limits,
}: GitGatewayOptions) {
  const pushLimits = { ...DEFAULT_PUSH_LIMITS, ...limits }
  /** What an attempt has pushed so far, so that not every push has to ask Git. The refs decide. */
  const pushed = new Map<string, string | null>()
  /** By repository: see version2Capabilities. Saves a process on every fetch. */
  const capabilities = new Map<string, Buffer>()

  /** `pathRest`: the path after the repository, with its query. */
  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    attempt: GatewayAttempt,
    pathRest: string,
  ): Promise<void> {
    if (attempt.signal.aborted) return answerText(response, 403, 'This attempt has ended.')
    try {
      await answer(request, response, attempt, pathRest)
    } catch (error) {
      answerFailure(request, response, error)
    }
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    attempt: GatewayAttempt,
    pathRest: string,
  ): Promise<void> {
    const route = routeGit(request, pathRest)
    if (route.kind === 'refused') return answerText(response, route.status, route.message)
    if (route.service === 'upload-pack') {
      const options = fetching(attempt)
      if (route.kind === 'rpc') return serveRpc(request, response, 'upload-pack', options)
      if (protocolOf(request) === 'version=2') return answerCapabilities(response, attempt, options)
      return advertise(request, response, 'upload-pack', options)
    }
    if (attempt.phase === 'verify')
      return answerText(response, 403, 'A container that verifies does not push.')
    return route.kind === 'advertise'
      ? answerPushRefs(response, attempt)
      : receive(request, response, attempt)
  }

  const fetching = (attempt: GatewayAttempt): ServeOptions => ({
    repository: mirrors.pathOf(attempt.repositoryId),
    settings: fetchSettings(attempt),
    maxRequestBytes: MAX_FETCH_REQUEST_BYTES,
    timeoutMs: FETCH_TIMEOUT_MS,
    signal: attempt.signal,
  })

  async function answerCapabilities(
    response: ServerResponse,
    attempt: GatewayAttempt,
    options: ServeOptions,
  ): Promise<void> {
    const known = capabilities.get(attempt.repositoryId)
    const answer = known ?? (await version2Capabilities(options.repository, options.settings))
    capabilities.set(attempt.repositoryId, answer)
    startAnswer(response, 'application/x-git-upload-pack-advertisement').end(answer)
  }

  async function answerPushRefs(response: ServerResponse, attempt: GatewayAttempt): Promise<void> {
    const isRescue = attempt.phase === 'rescue'
    const [head, work] = await Promise.all([isRescue ? null : pushedBy(attempt), workOf(attempt)])
    const refs = [
      ...(head === null ? [] : [{ ref: branchRef(attempt.branch), commit: head }]),
      ...(work === null ? [] : [{ ref: WORK_REF, commit: work }]),
    ]
    startAnswer(response, 'application/x-git-receive-pack-advertisement').end(
      pushAdvertisement({ refs, have: [attempt.baseCommit] }),
    )
  }

  async function receive(
    request: IncomingMessage,
    response: ServerResponse,
    attempt: GatewayAttempt,
  ): Promise<void> {
    // The pack is bounded on its own; a little more for what goes before it.
    const body = requestBody(request, pushLimits.maxPackBytes + 1024 ** 2)
    const reader = createPacketReader(body[Symbol.asyncIterator]())
    const push = await readPushRequest(reader)
    if (push.commands.length === 0) return void startAnswer(response, RESULT_TYPE).end()
    const refusal = await take(push, reader, attempt)
    // Git sends all it has before it listens: an answer before that would be a broken pipe to it.
    if (refusal !== null) await drain(reader.rest()).catch(() => {})
    startAnswer(response, RESULT_TYPE).end(report(push, refusal))
  }

  /** Null when the push is stored, else the reason that the client shows. */
  async function take(
    push: PushRequest,
    reader: PacketReader,
    attempt: GatewayAttempt,
  ): Promise<string | null> {
    const directory = resolve(quarantineDirectory, attempt.attemptId, crypto.randomUUID())
    const mirror = mirrors.pathOf(attempt.repositoryId)
    const quarantine = openQuarantine({ mirror, directory, limits: pushLimits, signal: attempt.signal })
    try {
      const kind = kindOf(push, attempt)
      const before = await (kind === 'result' ? pushedBy(attempt) : workOf(attempt))
      const { commit, previous } = wanted(push, attempt, before)
      await quarantine.receive(reader)
      // Unfinished work is saved anew each time: it builds on the base, not on what was saved before.
      const tip = kind === 'result' ? previous : null
      await check(quarantine, attempt, tip ?? attempt.baseCommit, commit)
      await quarantine.store({ jobId: attempt.jobId, attemptNumber: attempt.number, previous, commit }, kind)
      if (kind === 'result') pushed.set(attempt.attemptId, commit)
      await onPush(attempt, { commit, kind })
      return null
    } catch (error) {
      pushed.delete(attempt.attemptId)
      const reason = refusalReason(error, attempt)
      await onRefused(attempt, { ref: offendingRef(push, attempt), reason })
      return reason
    } finally {
      await quarantine.discard()
    }
  }

  async function check(
    quarantine: Quarantine,
    attempt: GatewayAttempt,
    tip: string,
    head: string,
  ): Promise<void> {
    const commits = await quarantine.inspect(tip, head)
    const reason = await inspect?.(attempt, { tip, head, commits, read: quarantine.read })
    if (typeof reason === 'string') throw new PushRefused(reason)
  }

  const workOf = (attempt: GatewayAttempt): Promise<string | null> =>
    readRef(
      mirrors.pathOf(attempt.repositoryId),
      (attempt.phase === 'rescue' ? rescueRef : workRef)(attempt.jobId, attempt.number),
    )

  async function pushedBy(attempt: GatewayAttempt): Promise<string | null> {
    const known = pushed.get(attempt.attemptId)
    if (known !== undefined) return known
    const head = await readRef(
      mirrors.pathOf(attempt.repositoryId),
      attemptRef(attempt.jobId, attempt.number),
    )
    pushed.set(attempt.attemptId, head)
    return head
  }

  /** Forgets the attempt and removes what is left of its pushes. */
  async function release(attemptId: string): Promise<void> {
    pushed.delete(attemptId)
    await rm(join(quarantineDirectory, attemptId), { recursive: true, force: true })
  }

  return { handle, release }
}
export type GitGateway = ReturnType<typeof createGitGateway>

const RESULT_TYPE = 'application/x-git-receive-pack-result'

/** Other jobs' results are hidden; the job's own is there to be verified, or to go on from. */
function fetchSettings(attempt: GatewayAttempt): GitSettings {
  return [
    ['transfer.hideRefs', HIDDEN_REFS],
    ['transfer.hideRefs', `!${jobRefs(attempt.jobId)}`],
    ['uploadpack.allowFilter', 'true'],
    ['uploadpackfilter.allow', 'false'],
    ['uploadpackfilter.blob:none.allow', 'true'],
    ['uploadpackfilter.blob:limit.allow', 'true'],
  ]
}

function kindOf(push: PushRequest, attempt: GatewayAttempt): PushKind {
  const isWork = push.commands[0]?.ref === WORK_REF
  if (attempt.phase !== 'rescue') return isWork ? 'work' : 'result'
  if (!isWork) throw new PushRefused('a container that saves work pushes nothing else')
  return 'rescue'
}

/** The one thing that a container may ask for, beside keeping what is unfinished. */
function wanted(
  push: PushRequest,
  attempt: GatewayAttempt,
  previous: string | null,
): { commit: string; previous: string | null } {
  const only = `this job can only push to the branch "${attempt.branch}"`
  const [command, ...more] = push.commands
  if (command === undefined || more.length > 0) throw new PushRefused(`${only}, one at a time`)
  if (command.ref !== branchRef(attempt.branch) && command.ref !== WORK_REF) throw new PushRefused(only)
  if (command.new === null) throw new PushRefused('the branch of a job can not be deleted')
  if (command.old !== previous)
    throw new PushRefused('the branch was moved by another push; fetch it and try again')
  return { commit: command.new, previous }
}

function offendingRef(push: PushRequest, attempt: GatewayAttempt): string {
  const other = push.commands.find(command => command.ref !== branchRef(attempt.branch))
  return (other ?? push.commands[0])?.ref ?? ''
}

/** Rethrows what the client could do nothing about and should not read. */
function refusalReason(error: unknown, attempt: GatewayAttempt): string {
  if (attempt.signal.aborted) return 'this attempt has ended; nothing was stored'
  if (error instanceof PushRefused || isFlowForgeError(error)) return error.message
  throw error
}

function report(push: PushRequest, refusal: string | null): Buffer {
  const answers = push.commands.map(({ ref }) => ({ ref, refused: refusal }))
  return pushReport({ unpackFailure: null, answers }, push.capabilities)
}
