// What every container gets, in Docker's words: the sandbox. Pure; whether a real container has it is checked by
// `profileDrift`. See SECURITY.md for the reasons. It knows nothing of the daemon or of workspaces on disk.
import { CONTAINER_ENVIRONMENT, CONTAINER_PATHS } from '@flowforge/protocol'
import type Docker from 'dockerode'
import type { ContainerSpec, GatewayPlace } from './port.ts'

export const LABELS = {
  installation: 'flowforge.installation',
  attempt: 'flowforge.attempt',
  phase: 'flowforge.phase',
} as const

export const SANDBOX_USER = { uid: 1000, gid: 1000 } as const
const MIB = 1024 * 1024
const PIDS_LIMIT = 512
const CPU_PERIOD_US = 100_000
/** One rotated file each; a flood on stdout must not fill the host's disk. */
const LOG_OPTIONS = { 'max-size': '8m', 'max-file': '2', compress: 'false' }

/** A Docker volume that is made with the container and removed with it. */
export interface WorkspaceVolume {
  /** Of one that another container was made with; absent: a new one. */
  name?: string
  driverOptions: Record<string, string>
}

/** A network of the container's own; all that it meets there is the relay to the gateway. */
export interface Link {
  networkId: string
  gatewayUrl: string
}

export interface Sandbox {
  installationId: string
  name: string
  spec: ContainerSpec
  workspace: WorkspaceVolume
  /** For a gateway on the network alone. */
  link?: Link
  /** An OCI runtime other than the daemon's default, e.g. `runsc`. */
  runtime?: string
}

export const containerOptions = (sandbox: Sandbox): Docker.ContainerCreateOptions => ({
  name: sandbox.name,
  Image: sandbox.spec.image,
  ...(sandbox.spec.command && { Entrypoint: [], Cmd: sandbox.spec.command }),
  Env: Object.entries({ ...sandbox.spec.environment, ...gatewayVariable(sandbox) }).map(
    ([name, value]) => `${name}=${value}`,
  ),
  Labels: labelsOf(sandbox),
  Hostname: 'flowforge',
  User: `${SANDBOX_USER.uid}:${SANDBOX_USER.gid}`,
  WorkingDir: CONTAINER_PATHS.workspace,
  NetworkDisabled: sandbox.link === undefined,
  StopSignal: 'SIGTERM',
  Tty: false,
  OpenStdin: false,
  // An image's health check would run beside the agent, with its token.
  Healthcheck: { Test: ['NONE'] },
  HostConfig: hostConfig(sandbox),
})

const gatewayVariable = ({ link }: Sandbox): Record<string, string> =>
  link
    ? { [CONTAINER_ENVIRONMENT.url]: link.gatewayUrl }
    : { [CONTAINER_ENVIRONMENT.socket]: CONTAINER_PATHS.gatewaySocket }

export const labelsOf = (sandbox: Pick<Sandbox, 'installationId' | 'spec'>): Record<string, string> => ({
  [LABELS.installation]: sandbox.installationId,
  [LABELS.attempt]: sandbox.spec.attemptId,
  [LABELS.phase]: sandbox.spec.phase,
})

const hostConfig = (sandbox: Sandbox): Docker.HostConfig => ({
  ...RESTRICTIONS,
  ...networkOf(sandbox),
  ...limits(sandbox.spec),
  ...(sandbox.runtime && { Runtime: sandbox.runtime }),
  Tmpfs: temporaryFolders(sandbox.spec),
  Mounts: mounts(sandbox),
})

const networkOf = ({ link }: Sandbox): Docker.HostConfig =>
  link ? { NetworkMode: link.networkId, Dns: NO_RESOLVER } : { NetworkMode: 'none' }

/**
 * On a network of its own a container has Docker's resolver, which asks the host's for names that it does not know, and
 * before 23.0.11 and 25.0.5 from the host itself (CVE-2024-29018). This one it asks from inside, where nobody answers.
 */
export const NO_RESOLVER = ['127.0.0.1']

/** The same for every container. */
export const RESTRICTIONS = {
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  // The daemon's default seccomp and AppArmor profiles apply because nothing here names others.
  SecurityOpt: ['no-new-privileges'],
  Privileged: false,
  IpcMode: 'private',
  CgroupnsMode: 'private',
  Init: true,
  // A container that ended stays until its exit code was read; one that must not run again never does.
  RestartPolicy: { Name: 'no' },
  AutoRemove: false,
  LogConfig: { Type: 'local', Config: LOG_OPTIONS },
  // When the host itself runs out of memory, containers go before FlowForge and the database.
  OomScoreAdj: 500,
} satisfies Docker.HostConfig & { CgroupnsMode: string }

export const limits = (
  spec: Pick<ContainerSpec, 'memoryBytes' | 'cpus'>,
  pids = PIDS_LIMIT,
): Docker.HostConfig => ({
  Memory: spec.memoryBytes,
  // Memory and swap together: no swap.
  MemorySwap: spec.memoryBytes,
  // A quota, since NanoCpus fails where the machine has fewer cores than the job asks for.
  CpuPeriod: CPU_PERIOD_US,
  CpuQuota: Math.max(1000, Math.round(spec.cpus * CPU_PERIOD_US)),
  PidsLimit: pids,
  ShmSize: temporaryBytes(spec),
  // No limit on processes: the kernel counts it by user, over all containers of user 1000.
  Ulimits: [
    // Above the daemon's own limit nothing would start where it lacks CAP_SYS_RESOURCE.
    { Name: 'nofile', Soft: 16_384, Hard: 16_384 },
    { Name: 'core', Soft: 0, Hard: 0 },
  ],
})

/** In memory, and counted as the container's memory; big caches belong on the workspace. */
const temporaryBytes = (spec: Pick<ContainerSpec, 'memoryBytes'>): number =>
  Math.round(Math.min(Math.max(spec.memoryBytes / 4, 16 * MIB), 1024 * MIB))

const temporaryFolders = (spec: ContainerSpec): Record<string, string> => {
  // Builds and tests run programs from there; Docker's default is noexec.
  const options = `rw,nosuid,nodev,exec,size=${temporaryBytes(spec)},uid=${SANDBOX_USER.uid},gid=${SANDBOX_USER.gid}`
  return { '/tmp': `${options},mode=1777`, '/home/agent': `${options},mode=0700` }
}

const mounts = ({ spec, workspace, ...rest }: Sandbox): Docker.MountSettings[] => [
  ...gatewayMounts(spec.gateway),
  {
    // Without a name it belongs to the container alone and goes with it.
    Type: 'volume',
    Source: workspace.name ?? '',
    Target: CONTAINER_PATHS.workspace,
    VolumeOptions: {
      NoCopy: workspace.name !== undefined || 'device' in workspace.driverOptions,
      Labels: labelsOf({ spec, ...rest }),
      DriverConfig: { Name: 'local', Options: workspace.driverOptions },
    },
  },
]

const gatewayMounts = (gateway: GatewayPlace): Docker.MountSettings[] =>
  gateway.kind === 'network'
    ? []
    : [
        {
          Type: 'bind',
          Source: gateway.directory,
          Target: CONTAINER_PATHS.gatewayDirectory,
          ReadOnly: true,
          BindOptions: { Propagation: 'rprivate' },
        },
      ]

/** What a real container has otherwise than the profile says; empty = all is as declared. */
export const profileDrift = (found: Docker.ContainerInspectInfo, sandbox: Sandbox): string[] => {
  const wanted = containerOptions(sandbox)
  return [
    ...differences('HostConfig', wanted.HostConfig ?? {}, found.HostConfig),
    ...differences(
      'Config',
      pick(wanted, ['Image', 'Hostname', 'User', 'WorkingDir', 'Labels']),
      found.Config,
    ),
    ...additions(found, sandbox),
    ...mountDrift(found, wanted),
  ]
}

const pick = <T extends object, K extends keyof T>(value: T, keys: K[]): Pick<T, K> =>
  Object.fromEntries(keys.map(key => [key, value[key]])) as Pick<T, K>

/** Every field that we ask for must be there as asked; Docker adds defaults of its own beside them. */
const differences = (at: string, wanted: unknown, found: unknown): string[] => {
  if (typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted)) {
    const fields = Object.entries(wanted).filter(([, value]) => !isEmpty(value))
    return fields.flatMap(([name, value]) =>
      differences(`${at}.${name}`, value, (found as Record<string, unknown> | null | undefined)?.[name]),
    )
  }
  if (Array.isArray(wanted) && Array.isArray(found) && wanted.length === found.length) {
    return wanted.flatMap((value, index) => differences(`${at}[${index}]`, value, found[index]))
  }
  return wanted === found ? [] : [`${at} is ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`]
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0)

/** Fields that we leave out, and that would open the sandbox when someone filled them. */
const MUST_BE_EMPTY = [
  'Privileged',
  'AutoRemove',
  'Binds',
  'CapAdd',
  'Devices',
  'DeviceRequests',
  'DeviceCgroupRules',
  'ExtraHosts',
  'GroupAdd',
  'Links',
  'OomKillDisable',
  'PidMode',
  'PortBindings',
  'PublishAllPorts',
  'Sysctls',
  'UsernsMode',
  'UTSMode',
  'VolumesFrom',
] as const

const additions = (found: Docker.ContainerInspectInfo, { link }: Sandbox): string[] => {
  const host = found.HostConfig as unknown as Record<string, unknown>
  const filled = MUST_BE_EMPTY.filter(name => {
    const value = host[name]
    return (
      !isEmpty(value) && value !== null && !(typeof value === 'object' && Object.keys(value).length === 0)
    )
  }).map(name => `HostConfig.${name} is set: ${JSON.stringify(host[name])}`)
  const masked = (host.MaskedPaths as string[] | null) ?? []
  const unmasked = ['/proc/kcore', '/proc/keys', '/sys/firmware'].filter(path => !masked.includes(path))
  const networks = Object.entries(found.NetworkSettings?.Networks ?? {})
    .filter(([name, { NetworkID }]) => (link ? NetworkID !== link.networkId : name !== 'none'))
    .map(([name]) => name)
  return [
    ...filled,
    ...unmasked.map(path => `${path} is not masked`),
    ...networks.map(name => `it is on the network ${name}`),
  ]
}

/** An image's VOLUME would be a second writable folder, and one without a limit. */
const mountDrift = (
  found: Docker.ContainerInspectInfo,
  { HostConfig }: Docker.ContainerCreateOptions,
): string[] => {
  const declared = HostConfig?.Mounts?.map(mount => mount.Target) ?? []
  return found.Mounts.filter(mount => !declared.includes(mount.Destination)).map(
    mount => `${mount.Destination} is mounted from ${mount.Source}`,
  )
}
