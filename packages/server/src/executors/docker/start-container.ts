// Starts the container of an attempt, or finds the one that is there already. What fails half-way is taken back.
import { setTimeout as delay } from 'node:timers/promises'
import { CONTAINER_PATHS } from '@flowforge/protocol'
import type Docker from 'dockerode'
import { FlowForgeError } from '../../errors.ts'
import { containerOptions, LABELS, type Sandbox } from '../profile.ts'
import type { Daemon } from './daemon.ts'
import { isStatus, startFailure } from './daemon-errors.ts'
import { inspectContainer } from './inspect-container.ts'
import type { Links } from './links.ts'
import { removeContainer } from './remove-container.ts'
import type { Workspaces } from './workspaces.ts'

export interface Means {
  daemon: Daemon
  workspaces: Workspaces
  /** Whose disk it is: the container's own name, or that of the one whose workspace it is given. */
  disk: string
  /** For containers whose gateway is on the network. */
  links: Links | undefined
  /** How long a container may be made but not started before we hold its maker for dead. */
  abandonedAfterMs: number
}

export const startContainer = async (
  means: Means,
  sandbox: Sandbox,
): Promise<{ id: string; adopted: boolean }> => {
  for (;;) {
    const made = await makeContainer(means, sandbox)
    if (made !== 'exists') return { id: made.id, adopted: false }
    const id = await adoptContainer(means, sandbox)
    if (id) return { id, adopted: true }
  }
}

/** The container, its disk and the look at its image go side by side: the container takes longest. */
const makeContainer = async (means: Means, sandbox: Sandbox): Promise<Docker.Container | 'exists'> => {
  const { daemon, workspaces, disk } = means
  const { name, spec } = sandbox
  const [created, workspace, image] = await Promise.allSettled([
    createWithLink(means, sandbox),
    spec.workspaceOf ? workspaces.reopen(disk) : workspaces.prepare(name, spec.workspaceBytes),
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
    if (created.status === 'fulfilled') await removeBelongings(means, sandbox)
    else if (await isThere(daemon, name, error)) return 'exists'
    throw startFailure(error, { image: spec.image, address: daemon.address })
  }
}

const createWithLink = async ({ daemon, links }: Means, sandbox: Sandbox): Promise<Docker.Container> => {
  const create = (options: Docker.ContainerCreateOptions) =>
    daemon.ask(abortSignal => daemon.docker.createContainer({ ...options, abortSignal }))
  if (sandbox.spec.gateway.kind === 'socket') return create(containerOptions(sandbox))
  if (!links) throw new TypeError('This executor was not set up for the network mode.')
  const link = await links.open(sandbox)
  try {
    return await create(containerOptions({ ...sandbox, link }))
  } catch (error) {
    await links.remove(sandbox).catch(() => {})
    throw error
  }
}

const removeBelongings = async ({ workspaces, links }: Means, sandbox: Sandbox): Promise<void> => {
  await workspaces.remove(sandbox.name)
  await links?.remove(sandbox)
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
const adoptContainer = async (means: Means, sandbox: Sandbox): Promise<string | undefined> => {
  const { daemon, links } = means
  const { name, installationId } = sandbox
  const deadline = Date.now() + means.abandonedAfterMs
  for (;;) {
    const found = await inspectContainer(daemon, name)
    const abandoned = Date.now() > deadline
    if (!found) {
      // Its link comes before it.
      if (!(await links?.exists(sandbox))) return undefined
      if (abandoned) await removeBelongings(means, sandbox)
      else await delay(50)
      continue
    }
    if (found.Config.Labels[LABELS.installation] !== installationId) {
      throw new FlowForgeError('config_invalid', `The container ${name} belongs to another installation.`)
    }
    const status: string = found.State.Status
    if (status !== 'created' && status !== 'removing' && status !== 'dead') return found.Id
    if (abandoned) {
      await removeContainer(daemon, found.Id)
      await removeBelongings(means, sandbox)
      return undefined
    }
    await delay(50)
  }
}
