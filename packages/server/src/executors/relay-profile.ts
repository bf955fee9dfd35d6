// The way out of a container in network mode, in Docker's words: a network with nobody else on it but a relay, and the
// relay, which passes connections on to one port, the gateway's. Pure; it knows nothing of the daemon.
import type Docker from 'dockerode'
import { LABELS, labelsOf, limits, NO_RESOLVER, RESTRICTIONS, SANDBOX_USER, type Sandbox } from './profile.ts'

export const RELAY_PORT = 7420
/** Where Docker Desktop has the machine that it runs on; elsewhere an address is known. */
export const DESKTOP_HOST = 'host.docker.internal'
/** Not one of `LABELS`: who lists containers means those of attempts. */
export const RELAY_LABEL = 'flowforge.relay'

export interface Relay {
  /** FlowForge's own image, whatever the attempt's is: the relay has a way to the internet. */
  image: string
  command: string[]
}

/** As the agent image has it. */
export const relayCommand = (host: string, port: number): string[] => [
  '/usr/local/bin/node',
  '/opt/flowforge/relay.mjs',
  String(RELAY_PORT),
  `${host}:${port}`,
]

export const relayName = (sandboxName: string): string => `${sandboxName}-relay`

export const networkOptions = (sandbox: Sandbox): Docker.NetworkCreateOptions => ({
  Name: sandbox.name,
  CheckDuplicate: true,
  Driver: 'bridge',
  // No way to other networks, and none from there.
  Internal: true,
  Attachable: false,
  EnableIPv6: false,
  Options: {
    // Else the host has an address on it, and with that all ports that the host listens on.
    'com.docker.network.bridge.inhibit_ipv4': 'true',
    'com.docker.network.bridge.enable_icc': 'true',
  },
  Labels: labelsOf(sandbox),
})

const RELAY_LIMITS = { memoryBytes: 64 * 1024 * 1024, cpus: 1 }
const RELAY_PIDS = 64

/** On Docker's own bridge first; it is connected to the container's network before it starts. */
export const relayOptions = (
  { installationId, name }: Pick<Sandbox, 'installationId' | 'name'>,
  { image, command }: Relay,
): Docker.ContainerCreateOptions => ({
  name: relayName(name),
  Image: image,
  Entrypoint: [],
  Cmd: command,
  // Nothing of an attempt's: no token, no label that a search for its containers finds.
  Env: [],
  Labels: { [RELAY_LABEL]: installationId },
  Hostname: 'relay',
  User: `${SANDBOX_USER.uid}:${SANDBOX_USER.gid}`,
  WorkingDir: '/',
  Healthcheck: { Test: ['NONE'] },
  HostConfig: {
    ...RESTRICTIONS,
    ...limits(RELAY_LIMITS, RELAY_PIDS),
    NetworkMode: 'bridge',
    Dns: NO_RESOLVER,
    ...(command.some(word => word.includes(DESKTOP_HOST)) && {
      ExtraHosts: [`${DESKTOP_HOST}:host-gateway`],
    }),
    // Without it the attempt is cut off for good; whatever ended it, it has nothing to lose.
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 10 },
  },
})

/** Which names a list of Docker's says belong to this installation. */
export const linkNameOfRelay = (containerNames: string[]): string =>
  (containerNames[0] ?? '').replace(/^\//, '').replace(/-relay$/, '')

export const RELAY_FILTER = (installationId: string) => ({ label: [`${RELAY_LABEL}=${installationId}`] })
export const INSTALLATION_FILTER = (installationId: string) => ({
  label: [`${LABELS.installation}=${installationId}`],
})
