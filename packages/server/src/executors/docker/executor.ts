// Runs attempts as Docker containers on this machine. What a container gets is `../profile.ts`; what its disk is,
// `workspaces.ts`. The daemon's state is the truth: nothing here is remembered between calls.
import type Docker from 'dockerode'
import type { Logger } from 'pino'
import { FlowForgeError } from '../../errors.ts'
import type { ContainerHandle, ContainerSpec, Executor } from '../port.ts'
import { LABELS } from '../profile.ts'
import { awaitExit, containerStatus } from './await-exit.ts'
import { checkDocker } from './check.ts'
import { chooseWorkspaces } from './choose-workspaces.ts'
import { createDaemon, type Daemon } from './daemon.ts'
import { isStatus } from './daemon-errors.ts'
import { inspectContainer } from './inspect-container.ts'
import { createLinks, type NetworkMode, sweepLinks } from './links.ts'
import { tailOfFrames } from './logs.ts'
import { killContainer, removeContainer, terminateContainer } from './remove-container.ts'
import { sharedWorkspace } from './shared-workspace.ts'
import { startContainer } from './start-container.ts'
import type { Workspaces } from './workspaces.ts'

export interface DockerExecutorOptions {
  /** Containers of other installations on the same Docker are not seen and not touched. */
  installationId: string
  /** Default: `DOCKER_HOST` and its companions, else the usual socket. */
  docker?: Docker
  /** Where the disks of workspaces lie. */
  workspaceRoot: string
  /** An OCI runtime that must be used, e.g. `runsc`; missing = nothing starts. */
  runtime?: string
  /** For places where containers can not have the gateway's socket; absent = they have it. */
  network?: NetworkMode
  /** The image that `check` looks for. */
  image?: string
  log: Pick<Logger, 'info' | 'warn'>
  /** How long something half-made is left alone, since its maker may still be at it: longer than a call may last. */
  abandonedAfterMs?: number
}

export const createDockerExecutor = (options: DockerExecutorOptions): Executor => {
  const { installationId, log, abandonedAfterMs = 90_000 } = options
  const daemon = createDaemon(options.docker)
  const workspaces = chooseWorkspaces(daemon, { root: options.workspaceRoot, abandonedAfterMs, log })
  const links = options.network && createLinks(daemon, options.network)
  /** Starts under way by container name; also their last step, which outlives `start`. */
  const starting = new Map<string, Promise<ContainerHandle>>()
  const settling = new Map<string, Promise<void>>()
  const nameOf = (of: Pick<ContainerSpec, 'attemptId' | 'phase'>) =>
    `flowforge-${installationId.slice(-8)}-${of.attemptId}-${of.phase}`

  const start = async (spec: ContainerSpec): Promise<ContainerHandle> => {
    const name = nameOf(spec)
    const kind = await workspaces()
    const workspace = spec.workspaceOf ? await sharedWorkspace(daemon, spec.workspaceOf) : kind.volume(name)
    const sandbox = { installationId, name, spec, workspace, runtime: options.runtime }
    const disk = spec.workspaceOf ? nameOf(spec.workspaceOf) : name
    const { id, adopted } = await startContainer(
      { daemon, workspaces: kind, disk, links, abandonedAfterMs },
      sandbox,
    )
    if (!adopted)
      settling.set(
        name,
        settle(disk, kind).finally(() => settling.delete(name)),
      )
    return { executor: 'docker', id, attemptId: spec.attemptId, phase: spec.phase }
  }

  const settle = (disk: string, kind: Workspaces): Promise<void> =>
    kind
      .mounted(disk)
      .catch(error => log.warn({ error, disk }, 'the loop device stays until the container is removed'))

  return {
    name: 'docker',
    outlivesWorker: true,
    keepsWorkspaces: true,
    start: spec => {
      assertSpec(spec)
      const name = nameOf(spec)
      const running = starting.get(name) ?? start(spec).finally(() => starting.delete(name))
      starting.set(name, running)
      return running
    },
    stop: async (handle, { graceMs }) => {
      const name = nameOf(handle)
      await settling.get(name)
      if (graceMs > 0) await terminateContainer(daemon, handle.id, graceMs)
      await removeContainer(daemon, handle.id)
      // A late stop of an old container must not take its successor's disk or network away.
      if (await inspectContainer(daemon, name)) return
      await (await workspaces()).remove(name)
      await links?.remove({ installationId, name, spec: handle })
    },
    halt: async (handle, { graceMs }) => {
      if (graceMs > 0) await terminateContainer(daemon, handle.id, graceMs)
      await killContainer(daemon, handle.id)
    },
    inspect: handle => containerStatus(daemon, handle.id),
    exited: (handle, signal) => awaitExit(daemon, handle.id, signal),
    list: async () => (await listContainers(daemon, installationId)).map(handleOf),
    sweep: async () => {
      const kind = await workspaces()
      const live = (await listContainers(daemon, installationId)).map(handleOf).map(nameOf)
      const liveNames = new Set([...live, ...starting.keys()])
      await kind.sweep(liveNames)
      await sweepVolumes(daemon, installationId)
      // In either mode: the other one may have been on before.
      await sweepLinks(daemon, { installationId, liveNames, abandonedAfterMs })
    },
    logs: (handle, maxBytes) => containerLogs(daemon, handle.id, maxBytes),
    check: () => checkDocker(daemon, { ...options, workspaces }),
  }
}

/** Names of containers and files are made of it. */
const assertSpec = (spec: ContainerSpec): void => {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(spec.attemptId)) return
  throw new FlowForgeError(
    'config_invalid',
    `An attempt can not be called ${JSON.stringify(spec.attemptId)}.`,
  )
}

const listContainers = (daemon: Daemon, installationId: string): Promise<Docker.ContainerInfo[]> =>
  daemon.ask(abortSignal =>
    daemon.docker.listContainers({
      all: true,
      filters: { label: [`${LABELS.installation}=${installationId}`] },
      abortSignal,
    }),
  )

const handleOf = ({ Id, Labels }: Docker.ContainerInfo): ContainerHandle => ({
  executor: 'docker',
  id: Id,
  attemptId: Labels[LABELS.attempt] ?? '',
  phase: phaseOf(Labels[LABELS.phase]),
})

const phaseOf = (label: string | undefined): ContainerHandle['phase'] =>
  label === 'verify' || label === 'rescue' ? label : 'agent'

/** Volumes of containers that were removed by hand, without their volumes. */
const sweepVolumes = async (daemon: Daemon, installationId: string): Promise<void> => {
  const filters = { label: [`${LABELS.installation}=${installationId}`], dangling: ['true'] }
  const { Volumes } = await daemon.ask(abortSignal => daemon.docker.listVolumes({ filters, abortSignal }))
  for (const { Name } of Volumes ?? []) {
    // One that got a container meanwhile is refused by the daemon.
    await daemon.docker
      .getVolume(Name)
      .remove()
      .catch(() => {})
  }
}

const containerLogs = async (daemon: Daemon, id: string, maxBytes: number): Promise<string> => {
  try {
    const answer = await daemon.ask(abortSignal =>
      daemon.docker.getContainer(id).logs({ stdout: true, stderr: true, tail: 10_000, abortSignal }),
    )
    return tailOfFrames(answer, maxBytes)
  } catch (error) {
    if (isStatus(error, 404, 409)) return ''
    throw error
  }
}
