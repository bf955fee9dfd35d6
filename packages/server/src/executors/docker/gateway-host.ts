// Where the gateway listens so that relays reach it, and only they and this machine: Docker's bridge on Linux, the
// loopback address under Docker Desktop, whose containers find it by a name.
import { networkInterfaces } from 'node:os'
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
  const bridge = await bridgeName(daemon)
  // Docker's own word on the bridge's address is there only when someone configured it.
  const address = networkInterfaces()[bridge]?.find(({ family }) => family === 'IPv4')?.address
  if (address) return { address, name: address }
  throw new FlowForgeError(
    'config_invalid',
    `FLOWFORGE_GATEWAY_MODE=network needs Docker's bridge ${bridge} on this machine, with an address: this Docker runs elsewhere, without root, or without a bridge.`,
  )
}

const bridgeName = async (daemon: Daemon): Promise<string> => {
  try {
    const bridge = await daemon.ask(() => daemon.docker.getNetwork('bridge').inspect())
    return bridge.Options?.['com.docker.network.bridge.name'] ?? 'docker0'
  } catch (error) {
    if (isStatus(error, 404)) return 'docker0'
    throw error
  }
}
