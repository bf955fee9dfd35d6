// Networks of containers in network mode, each with its relay: made before the container, gone after it. The relay
// comes first: its name is the lock between two workers. What they are made of is `../relay-profile.ts`.
import type Docker from 'dockerode'
import { FlowForgeError } from '../../errors.ts'
import type { ContainerSpec } from '../port.ts'
import { LABELS, type Link, type Sandbox } from '../profile.ts'
import {
  INSTALLATION_FILTER,
  linkNameOfRelay,
  networkOptions,
  RELAY_FILTER,
  RELAY_PORT,
  relayCommand,
  relayName,
  relayOptions,
} from '../relay-profile.ts'
import type { Daemon } from './daemon.ts'
import { isStatus } from './daemon-errors.ts'
import { dnsProblem, forwardsDns } from './engine-version.ts'
import { inspectContainer } from './inspect-container.ts'
import { removeContainer } from './remove-container.ts'

export interface NetworkMode {
  /** The image of relays. */
  image: () => Promise<string>
  /** Someone wants this mode whatever the engine: its check says so as a warning. */
  acceptOldEngine: boolean
  /** Default: the relay of the agent image. */
  command?: (host: string, port: number) => string[]
}

type LinkOwner = Pick<Sandbox, 'installationId' | 'name'> & {
  spec: Pick<ContainerSpec, 'attemptId' | 'phase'>
}

export interface Links {
  /** Rejects with Docker's 409 when another worker makes it or has made it. Leaves nothing behind when it fails. */
  open(sandbox: Sandbox): Promise<Link>
  exists(of: LinkOwner): Promise<boolean>
  remove(of: LinkOwner): Promise<void>
}

export const createLinks = (daemon: Daemon, mode: NetworkMode): Links => {
  const assertEngine = createEngineCheck(daemon, mode)
  return {
    open: async sandbox => {
      const { gateway } = sandbox.spec
      if (gateway.kind !== 'network') throw new TypeError('This container has a socket and needs no link.')
      await assertEngine()
      const command = (mode.command ?? relayCommand)(gateway.host, gateway.port)
      return openLink(daemon, sandbox, { image: await mode.image(), command })
    },
    exists: async of =>
      (await networksOf(daemon, of)).length > 0 ||
      (await inspectContainer(daemon, relayName(of.name))) !== undefined,
    remove: async of => {
      await removeContainer(daemon, relayName(of.name))
      for (const { Id } of await networksOf(daemon, of)) await removeNetwork(daemon, Id)
    },
  }
}

const openLink = async (
  daemon: Daemon,
  sandbox: Sandbox,
  relay: { image: string; command: string[] },
): Promise<Link> => {
  const container = await daemon.ask(abortSignal =>
    daemon.docker.createContainer({ ...relayOptions(sandbox, relay), abortSignal }),
  )
  const { docker } = daemon
  let network: Docker.Network | undefined
  try {
    network = await daemon.ask(abortSignal =>
      daemon.docker.createNetwork({ ...networkOptions(sandbox), abortSignal }),
    )
    const networkId = network.id
    await daemon.ask(() => docker.getNetwork(networkId).connect({ Container: container.id }))
    await daemon.ask(abortSignal => container.start({ abortSignal }))
    const { NetworkSettings } = await daemon.ask(abortSignal => container.inspect({ abortSignal }))
    const found = Object.values(NetworkSettings.Networks).find(({ NetworkID }) => NetworkID === networkId)
    if (!found?.IPAddress) throw new FlowForgeError('docker_unavailable', 'Docker gave the relay no address.')
    return { networkId, gatewayUrl: `http://${found.IPAddress}:${RELAY_PORT}` }
  } catch (error) {
    await removeContainer(daemon, container.id).catch(() => {})
    if (network) await removeNetwork(daemon, network.id).catch(() => {})
    throw error
  }
}

/** Refused at the start, too, since nobody has to read what a check says. */
const createEngineCheck = (daemon: Daemon, { acceptOldEngine }: NetworkMode): (() => Promise<void>) => {
  let safe = acceptOldEngine
  return async () => {
    if (safe) return
    const { ServerVersion } = await daemon.ask(() => daemon.docker.info())
    if (forwardsDns(ServerVersion)) throw new FlowForgeError('config_invalid', dnsProblem(ServerVersion))
    safe = true
  }
}

/** Two of one name can come to be, if two workers make them at the same moment. */
const networksOf = (
  daemon: Daemon,
  { installationId, spec }: LinkOwner,
): Promise<Docker.NetworkInspectInfo[]> =>
  daemon.ask(abortSignal =>
    daemon.docker.listNetworks({
      filters: {
        label: [
          `${LABELS.installation}=${installationId}`,
          `${LABELS.attempt}=${spec.attemptId}`,
          `${LABELS.phase}=${spec.phase}`,
        ],
      },
      abortSignal,
    }),
  )

const removeNetwork = async (daemon: Daemon, id: string): Promise<void> => {
  try {
    await daemon.ask(abortSignal => daemon.docker.getNetwork(id).remove({ abortSignal }))
  } catch (error) {
    if (!isStatus(error, 404)) throw error
  }
}

/** Removes links of containers that are gone, but for those that may just be being made. */
export const sweepLinks = async (
  daemon: Daemon,
  options: { installationId: string; liveNames: ReadonlySet<string>; abandonedAfterMs: number },
): Promise<void> => {
  const { installationId, liveNames } = options
  const before = Date.now() - options.abandonedAfterMs
  const isLeft = (name: string, createdMs: number) => !liveNames.has(name) && createdMs < before
  const [relays, networks] = await Promise.all([
    daemon.ask(abortSignal =>
      daemon.docker.listContainers({ all: true, filters: RELAY_FILTER(installationId), abortSignal }),
    ),
    daemon.ask(abortSignal =>
      daemon.docker.listNetworks({ filters: INSTALLATION_FILTER(installationId), abortSignal }),
    ),
  ])
  for (const { Id, Names, Created } of relays) {
    if (isLeft(linkNameOfRelay(Names), Created * 1000)) await removeContainer(daemon, Id)
  }
  for (const { Id, Name, Created } of networks) {
    // One that a container was connected to by hand is refused by the daemon.
    if (isLeft(Name, Date.parse(Created))) await removeNetwork(daemon, Id).catch(() => {})
  }
}
