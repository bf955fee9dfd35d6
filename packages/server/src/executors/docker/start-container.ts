// Starts the container of an attempt, or finds the one that is there already. What fails half-way is taken back.
import { setTimeout as delay } from 'node:timers/promises'
import { CONTAINER_PATHS } from '@flowforge/protocol'
import type Docker from 'dockerode'
import { FlowForgeError } from '../../errors.ts'
import { containerOptions, LABELS, type Sandbox } from '../profile.ts'
import type { Daemon } from './daemon.ts'
import { isStatus, startFailure } from './daemon-errors.ts'
import { removeContainer } from './remove-container.ts'
import type { Workspaces } from './workspaces.ts'

export const startContainer = async (
  daemon: Daemon,
  workspaces: Workspaces,
  sandbox: Sandbox,
  /** How long a container may be made but not started before we hold its maker for dead. */
  abandonedAfterMs: number,
): Promise<{ id: string; adopted: boolean }> => {
  for (;;) {
    const made = await makeContainer(daemon, workspaces, sandbox)
    if (made !== 'exists') return { id: made.id, adopted: false }
    const id = await adoptContainer(daemon, workspaces, sandbox, abandonedAfterMs)
    if (id) return { id, adopted: true }
  }
}

/** The container, its disk and the look at its image go side by side: the container takes longest. */
const makeContainer = async (
  daemon: Daemon,
  workspaces: Workspaces,
  sandbox: Sandbox,
): Promise<Docker.Container | 'exists'> => {
  const { name, spec } = sandbox
  const [created, workspace, image] = await Promise.allSettled([
    daemon.ask(abortSignal => daemon.docker.createContainer({ ...containerOptions(sandbox), abortSignal })),
    workspaces.prepare(name, spec.workspaceBytes),
    daemon.ask(() => daemon.docker.getImage(spec.image).inspect()),
  ])
  try {
    if (created.status === 'rejected') throw created.reason
    if (workspace.status === 'rejected') throw workspace.reason
    if (image.status === 'rejected') throw image.reason
    assertNoVolumes(spec.image, image.value)
    await workspace.value.commit()
    await daemon.ask(abortSignal => created.value.start({ abortSignal }))
    return created.value
  } catch (error) {
    // A create that got no answer may have made it all the same: `list` shows it, and nothing runs in it.
    if (created.status === 'fulfilled') await removeContainer(daemon, created.value.id).catch(() => {})
    if (workspace.status === 'fulfilled') await workspace.value.discard()
    if (created.status === 'fulfilled') await workspaces.remove(name)
    else if (await isThere(daemon, name, error)) return 'exists'
    throw startFailure(error, { image: spec.image, address: daemon.address })
  }
}

/** Docker looks for the image first: without it, it does not even say that the name is taken. */
const isThere = async (daemon: Daemon, name: string, error: unknown): Promise<boolean> =>
  isStatus(error, 409) || (isStatus(error, 404) && (await inspectContainer(daemon, name)) !== undefined)

/** An image's VOLUME would be a second writable folder, and one without a limit. */
const assertNoVolumes = (name: string, image: Docker.ImageInspectInfo): void => {
  const extra = Object.keys(image.Config?.Volumes ?? {}).filter(
    folder => folder !== CONTAINER_PATHS.workspace,
  )
  if (extra.length === 0) return
  throw new FlowForgeError(
    'image_unavailable',
    `The image ${name} declares a VOLUME at ${extra.join(', ')}: remove it, only ${CONTAINER_PATHS.workspace} may be written.`,
  )
}

/** The id of the attempt's container, or undefined when it has gone and can be made anew. */
const adoptContainer = async (
  daemon: Daemon,
  workspaces: Workspaces,
  { name, installationId }: Sandbox,
  abandonedAfterMs: number,
): Promise<string | undefined> => {
  const deadline = Date.now() + abandonedAfterMs
  for (;;) {
    const found = await inspectContainer(daemon, name)
    if (!found) return undefined
    if (found.Config.Labels[LABELS.installation] !== installationId) {
      throw new FlowForgeError('config_invalid', `The container ${name} belongs to another installation.`)
    }
    const status: string = found.State.Status
    if (status !== 'created' && status !== 'removing' && status !== 'dead') return found.Id
    if (Date.now() > deadline) {
      await removeContainer(daemon, found.Id)
      await workspaces.remove(name)
      return undefined
    }
    await delay(50)
  }
}

export const inspectContainer = async (
  daemon: Daemon,
  idOrName: string,
): Promise<Docker.ContainerInspectInfo | undefined> => {
  try {
    return await daemon.ask(abortSignal => daemon.docker.getContainer(idOrName).inspect({ abortSignal }))
  } catch (error) {
    if (isStatus(error, 404)) return undefined
    throw error
  }
}
