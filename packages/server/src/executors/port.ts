// The executor port: starts, stops and lists containers. It knows nothing of Git or Claude.

/** Where a container of an attempt finds the gateway; the executor tells it by CONTAINER_ENVIRONMENT. */
export type GatewayPlace =
  /** A host directory with the gateway's socket, bind-mounted read-only at CONTAINER_PATHS.gatewayDirectory. */
  | { kind: 'socket'; directory: string }
  /** Where no socket can be mounted. `host` is its name where containers run. */
  | { kind: 'network'; host: string; port: number }

/** What a container of an attempt gets; `executors/profile.ts` adds what every container gets. */
export interface ContainerSpec {
  attemptId: string
  /**
   * `agent` runs Claude Code; `verify` checks the pushed commit without agent; `rescue` saves what an agent left. One
   * container of each per attempt.
   */
  phase: 'agent' | 'verify' | 'rescue'
  image: string
  /** Small, and free of secrets other than the attempt's token. */
  environment: Record<string, string>
  gateway: GatewayPlace
  /** Absent = the image's entrypoint, which is the runner. */
  command?: string[]
  workspaceBytes: number
  /** The workspace of this container, which has ended and is still there, instead of one of its own. */
  workspaceOf?: ContainerHandle
  memoryBytes: number
  cpus: number
}

/** Names one container. Plain data: it is stored with the attempt so that another worker can adopt it. */
export interface ContainerHandle {
  executor: string
  id: string
  attemptId: string
  phase: ContainerSpec['phase']
}

export type ContainerStatus =
  | { state: 'running' }
  /** `oomKilled` is the kernel's word, not the runner's. */
  | { state: 'exited'; exitCode: number; oomKilled: boolean }
  /** Removed by someone, or lost with its machine. */
  | { state: 'gone' }

/** `reduced`: a container has a network, though only the gateway is on it. */
export type IsolationLevel = 'full' | 'reduced' | 'none'

export interface ExecutorCheck {
  ok: boolean
  /** Engine and version, runtime, isolation in words; shown by `doctor`. */
  facts: Record<string, string> & { isolationLevel: IsolationLevel }
  /** What is missing and what to do; empty when ok. */
  problems: string[]
}

/**
 * Contract (checked by `contract.ts` on every executor):
 * - `start` resolves when the container runs. It is idempotent by (attemptId, phase): a second call returns the first
 *   container's handle. Fails with `image_unavailable`, `no_capacity`, `disk_full` or `docker_unavailable`, and leaves nothing behind.
 * - `stop` sends TERM, waits `graceMs`, kills the whole tree, removes the container and its workspace. Idempotent; a
 *   container that is gone is no error.
 * - `halt` ends a container as `stop` does and leaves it there with its workspace, for a look inside and for `workspaceOf`.
 * - `exited` resolves when the container has ended (or is gone); it survives a restart of the engine.
 * - `list` gives every container of this installation, running or ended, also those another worker started.
 * - `sweep` removes what belongs to no container any more (workspaces after a crash). Safe at any time, beside any worker.
 * - `logs` gives at most the last `maxBytes` of stdout and stderr, for the story of a crash.
 */
export interface Executor {
  readonly name: 'docker' | 'kubernetes' | 'dummy'
  /** Containers go on when the process that started them ends, and `list` of another one shows them. */
  readonly outlivesWorker: boolean
  /** Containers have workspaces that another one can be given: `workspaceOf` works. */
  readonly keepsWorkspaces: boolean
  start(spec: ContainerSpec): Promise<ContainerHandle>
  stop(handle: ContainerHandle, options: { graceMs: number }): Promise<void>
  halt(handle: ContainerHandle, options: { graceMs: number }): Promise<void>
  inspect(handle: ContainerHandle): Promise<ContainerStatus>
  exited(handle: ContainerHandle, signal: AbortSignal): Promise<ContainerStatus>
  list(): Promise<ContainerHandle[]>
  sweep(): Promise<void>
  logs(handle: ContainerHandle, maxBytes: number): Promise<string>
  check(): Promise<ExecutorCheck>
}
