// The workspace of a container that has ended, for another one to look at.
import { CONTAINER_PATHS } from '@flowforge/protocol'
import { FlowForgeError } from '../../errors.ts'
import type { ContainerHandle } from '../port.ts'
import type { WorkspaceVolume } from '../profile.ts'
import type { Daemon } from './daemon.ts'
import { inspectContainer } from './inspect-container.ts'

export async function sharedWorkspace(daemon: Daemon, of: ContainerHandle): Promise<WorkspaceVolume> {
  const found = await inspectContainer(daemon, of.id)
  const mount = found?.Mounts.find(({ Destination }) => Destination === CONTAINER_PATHS.workspace)
  // Two that write to one disk would ruin it.
  if (found && !found.State.Running && mount?.Name) return { name: mount.Name, driverOptions: {} }
  throw new FlowForgeError('no_capacity', 'The workspace is not there any more, or is still written to.')
}
