// Decides once which kind of workspace this machine can give.
import { access } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Daemon } from './daemon.ts'
import { loopWorkspaces, plainWorkspaces, type Workspaces, whyNoLoopDevices } from './workspaces.ts'

export const chooseWorkspaces = (
  daemon: Daemon,
  options: { root: string; abandonedAfterMs: number; log: Pick<Logger, 'warn'> },
): (() => Promise<Workspaces>) => {
  let chosen: Promise<Workspaces> | undefined
  const choose = async () => {
    const why = (await whyElsewhere(daemon)) ?? (await whyNoLoopDevices(options.root))
    if (why === undefined) return loopWorkspaces(options)
    options.log.warn({ why }, 'the size of workspaces is not enforced')
    return plainWorkspaces(why)
  }
  return () => {
    chosen ??= choose().catch(error => {
      chosen = undefined
      throw error
    })
    return chosen
  }
}

/** The daemon mounts our loop devices: it must live on this machine and see the same /dev and folders. */
const whyElsewhere = async (daemon: Daemon): Promise<string | undefined> => {
  if (!daemon.onSocket) return 'Docker runs on another machine'
  const info = await daemon.ask(() => daemon.docker.info())
  if (info.OperatingSystem === 'Docker Desktop') return 'Docker Desktop keeps its disks to itself'
  return access(info.DockerRootDir).then(
    () => undefined,
    () => "Docker's folders are not visible from here",
  )
}
