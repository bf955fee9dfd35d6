// Where the gateway listens so that relays reach it, and only they and this machine: Docker's bridge on Linux, the
// loopback address under Docker Desktop, whose containers find it by a name.
import { createServer } from 'node:net'
import type Docker from 'dockerode'
import { FlowForgeError } from '../../errors.ts'
import { DESKTOP_HOST } from '../relay-profile.ts'
import { createDaemon, type Daemon } from './daemon.ts'
import { isStatus } from './daemon-errors.ts'

export interface GatewayHost {
  /** The address to listen on. */
  address: string
  /** What containers on Docker's bridge call it. */
  name: string
}

/** Asks until there was an answer: Docker may come later than we. */
export const createGatewayHost = (docker?: Docker): (() => Promise<GatewayHost>) => {
  const daemon = createDaemon(docker)
  let known: Promise<GatewayHost> | undefined
  return () => {
    known ??= findGatewayHost(daemon).catch(error => {
      known = undefined
      throw error
    })
    return known
  }
}

export const findGatewayHost = async (daemon: Daemon, platform = process.platform): Promise<GatewayHost> => {
  const info = await daemon.ask(() => daemon.docker.info())
  if (platform !== 'linux' || info.OperatingSystem === 'Docker Desktop') {
    return { address: '127.0.0.1', name: DESKTOP_HOST }
  }
  const address = await bridgeAddress(daemon)
  if (address && (await isOfThisMachine(address))) return { address, name: address }
  throw new FlowForgeError(
    'config_invalid',
    "FLOWFORGE_GATEWAY_MODE=network needs the address of Docker's default bridge on this machine; this Docker runs elsewhere, without root, or without a bridge.",
  )
}

/** Not from the list of this machine's interfaces: Node leaves a bridge out that no container is on. */
const bridgeAddress = async (daemon: Daemon): Promise<string | undefined> => {
  try {
    const bridge = await daemon.ask(() => daemon.docker.getNetwork('bridge').inspect())
    const ranges: { Subnet?: string; Gateway?: string }[] = bridge.IPAM?.Config ?? []
    const range = ranges.find(({ Subnet }) => Subnet?.includes('.'))
    return range?.Gateway ?? firstAddress(range?.Subnet)
  } catch (error) {
    if (isStatus(error, 404)) return undefined
    throw error
  }
}

/** What Docker takes for its bridge unless it is told otherwise, and does not always say. */
export const firstAddress = (subnet: string | undefined): string | undefined =>
  subnet?.replace(/(\d+)\/\d+$/, (_, last: string) => String(Number(last) + 1))

const isOfThisMachine = (address: string): Promise<boolean> =>
  new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ host: address, port: 0 }, () => probe.close(() => resolve(true)))
  })
