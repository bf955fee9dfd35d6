// One container as the daemon knows it.
import type Docker from 'dockerode'
import type { Daemon } from './daemon.ts'
import { isStatus } from './daemon-errors.ts'

/** Undefined = there is none. */
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
