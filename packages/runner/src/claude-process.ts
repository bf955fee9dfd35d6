// Claude Code's process, started before the SDK that talks to it is loaded: both take about as long, so they go side by
// side. The SDK still decides how it is started: what it asks for is compared, and on any difference started as asked.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import { endGroup, signalGroup, trackGroup } from './process.ts'

export interface ClaudeCommand {
  command: string
  args: string[]
  cwd: string
  env: Record<string, string | undefined>
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

export interface ClaudeProcess {
  /** For the SDK: the process that runs already, or another if the SDK wants it otherwise. */
  take(asked: { command: string; args: string[]; cwd?: string; env: ClaudeCommand['env'] }): Child
  /** The last of what it wrote to stderr. */
  stderr(): string
  /** What the exit was, once it has ended. */
  exit(): string | undefined
  /** Gives it a moment to end by itself, then ends it with everything in its group. */
  close(): void
}

export interface LaunchOptions {
  executable: string
  cwd: string
  env: Record<string, string>
  trustedConfigDirectory: string
  disallowedTools: readonly string[]
  model?: string | undefined
  maxTurns?: number | undefined
  /** A session to go on with. */
  resume?: string | undefined
  planFirst?: boolean | undefined
  /** As `--managed-settings` takes them. */
  managedSettings?: object | undefined
}

/** What the pinned SDK starts for these options; `claude-process.test.ts` fails when an update changes it. */
export const claudeCommand = (options: LaunchOptions, sdkVersion: string): ClaudeCommand => ({
  command: options.executable,
  args: [
    ...['--output-format', 'stream-json', '--verbose', '--input-format', 'stream-json'],
    ...(options.maxTurns === undefined ? [] : [`--max-turns=${options.maxTurns}`]),
    ...(options.model === undefined ? [] : [`--model=${options.model}`]),
    '--permission-prompt-tool=stdio',
    ...(options.resume === undefined ? [] : [`--resume=${options.resume}`]),
    `--disallowedTools=${options.disallowedTools.join(',')}`,
    '--setting-sources=project',
    '--strict-mcp-config',
    `--permission-mode=${options.planFirst ? 'plan' : 'bypassPermissions'}`,
    '--allow-dangerously-skip-permissions',
    '--include-partial-messages',
    `--project-config-root=${options.trustedConfigDirectory}`,
    ...(options.managedSettings === undefined
      ? []
      : ['--managed-settings', JSON.stringify(options.managedSettings)]),
  ],
  cwd: options.cwd,
  env: {
    ...options.env,
    CLAUDE_CODE_ENTRYPOINT: 'sdk-ts',
    CLAUDE_AGENT_SDK_VERSION: sdkVersion,
    CLAUDE_CODE_SDK_READS_SESSION_STATE: '1',
  },
})

const STDERR_CHARS = 8 * 1024
const CLOSE_GRACE_MS = 2000

export const startClaudeProcess = (early: ClaudeCommand): ClaudeProcess => {
  let stderr = ''
  const start = ({ command, args, cwd, env }: ClaudeCommand): Child => {
    // A group of its own, so that everything Claude started in it ends with it.
    const started = spawn(command, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    trackGroup(started)
    started.on('error', error => {
      stderr += error.message
    })
    started.stdin.on('error', () => {})
    started.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_CHARS)
    })
    return started
  }
  let child = start(early)
  let closed = false

  return {
    take: asked => {
      const wanted = { command: asked.command, args: asked.args, cwd: asked.cwd ?? early.cwd, env: asked.env }
      if (isDeepStrictEqual(wanted, early)) return child
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
      child = start(wanted)
      return child
    },
    stderr: () => stderr,
    exit: () => child.signalCode ?? (child.exitCode === null ? undefined : String(child.exitCode)),
    close: () => {
      const { pid } = child
      if (pid === undefined || closed) return
      closed = true
      child.stdin.end()
      // Also what it left in its group, such as a server in the background.
      if (child.exitCode !== null || child.signalCode !== null) return signalGroup(pid, 'SIGKILL')
      const timer = setTimeout(() => endGroup(pid, CLOSE_GRACE_MS), CLOSE_GRACE_MS)
      timer.unref()
      child.once('exit', () => {
        clearTimeout(timer)
        signalGroup(pid, 'SIGKILL')
      })
    },
  }
}
