// Whether this machine's Docker can hold the sandbox, and what to do when it can't.
import type Docker from 'dockerode'
import { isFlowForgeError } from '../../errors.ts'
import type { ExecutorCheck, IsolationLevel } from '../port.ts'
import type { Daemon } from './daemon.ts'
import { isStatus } from './daemon-errors.ts'
import { dnsProblem, forwardsDns } from './engine-version.ts'
import { findGatewayHost } from './gateway-host.ts'
import type { NetworkMode } from './links.ts'
import type { Workspaces } from './workspaces.ts'

const OLDEST_VERSION = [20, 10] as const

/** Fields of `GET /info` that dockerode's types leave out. */
interface Info {
  ServerVersion: string
  DockerRootDir: string
  OperatingSystem: string
  Driver: string
  CgroupVersion?: string
  MemoryLimit: boolean
  SwapLimit: boolean
  PidsLimit: boolean
  CpuCfsQuota: boolean
  SecurityOptions: string[] | null
  Runtimes: Record<string, unknown>
  DefaultRuntime: string
}

export const checkDocker = async (
  daemon: Daemon,
  options: {
    runtime?: string
    image?: string
    network?: Pick<NetworkMode, 'acceptOldEngine'>
    workspaces: () => Promise<Workspaces>
  },
): Promise<ExecutorCheck> => {
  const isolationLevel: IsolationLevel = options.network ? 'reduced' : 'full'
  try {
    const info = (await daemon.ask(() => daemon.docker.info())) as Info
    const image = options.image ? await findImage(daemon, options.image) : undefined
    const problems = [
      ...engineProblems(info),
      ...limitProblems(info),
      ...runtimeProblems(info, options.runtime),
      ...(options.network ? await networkProblems(daemon, info, options.network) : socketProblems(info)),
    ]
    if (options.image && !image) {
      problems.push(`The agent image ${options.image} is not in this Docker: run script/setup.`)
    }
    return {
      ok: problems.length === 0,
      facts: {
        engine: `Docker ${info.ServerVersion} (${info.OperatingSystem})`,
        runtime: options.runtime ?? info.DefaultRuntime,
        storage: info.Driver,
        dockerRoot: info.DockerRootDir,
        cgroup: `v${info.CgroupVersion ?? '1'}`,
        swap: info.SwapLimit ? 'none for containers' : 'not limited: the kernel does not account for it',
        isolationLevel,
        ...isolationFacts(info, options.network),
        workspaceSize: (await options.workspaces()).facts.workspaceSize,
        ...(image && { image: `${options.image} (${Math.round(image.Size / 1e6)} MB)` }),
      },
      problems,
    }
  } catch (error) {
    if (!isFlowForgeError(error)) throw error
    return {
      ok: false,
      facts: { isolationLevel, engine: `none at ${daemon.address}` },
      problems: [error.message],
    }
  }
}

const findImage = async (daemon: Daemon, name: string): Promise<Docker.ImageInspectInfo | undefined> => {
  try {
    return await daemon.ask(() => daemon.docker.getImage(name).inspect())
  } catch (error) {
    if (isStatus(error, 404)) return undefined
    throw error
  }
}

const engineProblems = (info: Info): string[] => {
  const [major = 0, minor = 0] = info.ServerVersion.split('.').map(Number)
  const old = major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])
  const seccomp = (info.SecurityOptions ?? []).some(
    option => option.startsWith('name=seccomp') && !option.includes('profile=unconfined'),
  )
  return [
    ...(old ? [`Docker ${info.ServerVersion} is too old: 20.10 or newer is needed.`] : []),
    ...(seccomp ? [] : ['This Docker filters no system calls: enable its default seccomp profile.']),
  ]
}

const limitProblems = (info: Info): string[] => {
  const missing = [
    info.MemoryLimit ? '' : 'memory',
    info.CpuCfsQuota ? '' : 'CPU',
    info.PidsLimit ? '' : 'processes',
  ].filter(Boolean)
  if (missing.length === 0) return []
  return [`This kernel does not let Docker limit ${missing.join(', ')}: enable these cgroup controllers.`]
}

const isolationFacts = (
  info: Info,
  network: Pick<NetworkMode, 'acceptOldEngine'> | undefined,
): Record<string, string> => ({
  isolation: network
    ? 'reduced: each container has a network of its own, with a relay to the gateway on it'
    : 'no network; gateway on a Unix socket',
  ...(network?.acceptOldEngine &&
    forwardsDns(info.ServerVersion) && { warning: dnsProblem(info.ServerVersion) }),
})

const socketProblems = (info: Info): string[] =>
  info.OperatingSystem === 'Docker Desktop'
    ? ['Docker Desktop does not pass sockets into containers: set FLOWFORGE_GATEWAY_MODE=network.']
    : []

const networkProblems = async (
  daemon: Daemon,
  info: Info,
  { acceptOldEngine }: Pick<NetworkMode, 'acceptOldEngine'>,
): Promise<string[]> => {
  const old = !acceptOldEngine && forwardsDns(info.ServerVersion)
  const nowhere = await findGatewayHost(daemon).then(
    () => undefined,
    error => (isFlowForgeError(error, 'config_invalid') ? error.message : undefined),
  )
  return [...(old ? [dnsProblem(info.ServerVersion)] : []), ...(nowhere ? [nowhere] : [])]
}

const runtimeProblems = (info: Info, runtime: string | undefined): string[] =>
  !runtime || runtime in info.Runtimes
    ? []
    : [
        `Docker does not have the container runtime ${runtime}: install it and name it in /etc/docker/daemon.json.`,
      ]
