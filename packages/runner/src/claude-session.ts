// One Claude Code conversation: started before the clone is there, fed with prompts, read until each turn is over.
// Knows the Agent SDK; knows nothing of Git, verify or the gateway.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Options, Query, SDKMessage, SDKUserMessage } from '@anthropic-ai/claude-agent-sdk'
import { failureOf, isHopelessRetry } from './claude-outcome.ts'
import { RunError } from './failure.ts'
import { endGroup, signalGroup, trackGroup } from './process.ts'
import { cleanText, cutStart } from './text.ts'

export type TurnEnd =
  | { kind: 'done'; text: string }
  | { kind: 'interrupted'; text: string }
  | { kind: 'failed'; failure: RunError }

export interface ClaudeSession {
  /** Queues a user message; the first starts the work. During a turn it reaches Claude between two steps. */
  send(text: string): void
  /** Resolves when everything sent so far is worked off. */
  turnEnd(): Promise<TurnEnd>
  interrupt(): Promise<void>
  readonly sessionId: string | undefined
  /** Ends the process and its group; safe to call at any time. */
  close(): void
}

export interface ClaudeOptions {
  executable: string
  cwd: string
  env: Record<string, string>
  /** An empty directory that nobody in the container can write: see `settingsPolicy`. */
  trustedConfigDirectory: string
  systemPromptAppend: string
  model?: string | undefined
  maxTurns?: number | undefined
  onMessage(message: SDKMessage): void | Promise<void>
  onSessionId(sessionId: string): void
  /** Claude waits for its API (with what is known of why), or goes on (undefined). */
  onWaiting(detail: string | undefined): void
}

/**
 * How CLAUDE.md is honoured while the repository's settings are not (each tried with the pinned version):
 * - `settingSources: []` loads no settings, but no CLAUDE.md either. `['project']` alone loads both: `env` redirects the
 *   API, hooks run, `.mcp.json` and permission rules apply.
 * - `projectConfigRoot` splits the two: settings, hooks, `.mcp.json`, agents, skills and commands are read from that
 *   directory (empty, outside the repository), while CLAUDE.md, its imports, `.claude/CLAUDE.md`, `.claude/rules` and
 *   nested CLAUDE.md files still come from the working directory. It also holds for files that the agent writes later.
 * - `strictMcpConfig` and the image's managed settings stand behind it as second walls.
 */
const settingsPolicy = (trustedConfigDirectory: string) =>
  ({
    settingSources: ['project'],
    projectConfigRoot: trustedConfigDirectory,
    strictMcpConfig: true,
    mcpServers: {},
  }) satisfies Options

/** Nobody is there to answer, and a job is one task: tools that would wait for a person, or for another day, mislead. */
const DISALLOWED_TOOLS = [
  'AskUserQuestion',
  'EnterPlanMode',
  'ExitPlanMode',
  'EnterWorktree',
  'ExitWorktree',
  'CronCreate',
  'CronDelete',
  'CronList',
  'ScheduleWakeup',
]

const STDERR_CHARS = 8 * 1024
const INTERRUPT_GRACE_MS = 10_000
const CLOSE_GRACE_MS = 2000

/** `/clear` and the like in a task are words, not commands of the terminal. */
const userMessage = (text: string): SDKUserMessage => ({
  type: 'user',
  message: { role: 'user', content: text },
  parent_tool_use_id: null,
  ...(text.trimStart().startsWith('/') ? { client_composed: true as const } : {}),
})

/** The open end of a conversation: stays open between turns, until it is closed. */
const createInput = () => {
  const queue: SDKUserMessage[] = []
  let wake: (() => void) | undefined
  let closed = false
  const messages = async function* () {
    while (!closed) {
      const next = queue.shift()
      if (next) yield next
      else await new Promise<void>(resolve => (wake = resolve))
    }
  }
  return {
    messages,
    push: (message: SDKUserMessage) => {
      queue.push(message)
      wake?.()
    },
    close: () => {
      closed = true
      wake?.()
    },
  }
}

interface BackgroundTask {
  task_type: string
  ambient?: boolean
}

/** Sub-agents in the background report back and make another turn; a dev server left running does not. */
const awaitsAgents = (tasks: readonly BackgroundTask[]): boolean =>
  tasks.some(task => task.task_type === 'local_agent' && task.ambient !== true)

const waitingDetail = (message: Extract<SDKMessage, { subtype: 'api_retry' }>): string => {
  const cause = message.error_status === null ? 'no answer' : `${message.error} (${message.error_status})`
  const seconds = Math.max(1, Math.round(message.retry_delay_ms / 1000))
  return `${cause}; attempt ${message.attempt}, next in ${seconds} s`
}

export const startClaude = async (
  sdk: Promise<{ query(params: { prompt: AsyncIterable<SDKUserMessage>; options: Options }): Query }>,
  options: ClaudeOptions,
): Promise<ClaudeSession> => {
  const { query } = await sdk
  const input = createInput()
  let child: ChildProcess | undefined
  let stderr = ''
  let sessionId: string | undefined
  let closed = false
  let interrupted = false
  let waiting = false
  let background: readonly BackgroundTask[] = []
  let lastText = ''
  let ended: TurnEnd | undefined
  let finish: ((end: TurnEnd) => void) | undefined
  let turn: Promise<TurnEnd> | undefined

  const endTurn = (end: TurnEnd) => {
    finish?.(end)
    finish = undefined
  }

  const stopWaiting = () => {
    if (waiting) options.onWaiting(undefined)
    waiting = false
  }

  const conversation = query({
    prompt: input.messages(),
    options: {
      cwd: options.cwd,
      env: options.env,
      pathToClaudeCodeExecutable: options.executable,
      permissionMode: 'bypassPermissions',
      allowDangerouslySkipPermissions: true,
      includePartialMessages: true,
      forwardSubagentText: true,
      disallowedTools: DISALLOWED_TOOLS,
      ...settingsPolicy(options.trustedConfigDirectory),
      systemPrompt: { type: 'preset', preset: 'claude_code', append: options.systemPromptAppend },
      ...(options.model === undefined ? {} : { model: options.model }),
      ...(options.maxTurns === undefined ? {} : { maxTurns: options.maxTurns }),
      // A group of its own, so that everything Claude started in it ends with it.
      spawnClaudeCodeProcess: ({ command, args, cwd, env }) => {
        const started = spawn(command, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
        trackGroup(started)
        started.stderr.on('data', (chunk: Buffer) => {
          stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_CHARS)
        })
        child = started
        return started
      },
    },
  })

  const takeResult = (result: Extract<SDKMessage, { type: 'result' }>) => {
    stopWaiting()
    const failure = failureOf(result)
    if (result.subtype === 'success' && !failure) lastText = result.result
    // More turns follow by themselves: queued replies, or sub-agents that will report.
    if (!failure && !interrupted && ((result.queued_turn_count ?? 0) > 0 || awaitsAgents(background))) return
    if (interrupted) endTurn({ kind: 'interrupted', text: lastText })
    else endTurn(failure ? { kind: 'failed', failure } : { kind: 'done', text: lastText })
  }

  const takeRetry = (message: Extract<SDKMessage, { subtype: 'api_retry' }>) => {
    if (isHopelessRetry(message)) {
      const status = message.error_status
      const text = `Claude's API refused the key (${status}). Check the organization's Claude key.`
      endTurn({ kind: 'failed', failure: new RunError('claude_auth', text) })
      return
    }
    waiting = true
    options.onWaiting(waitingDetail(message))
  }

  const take = async (message: SDKMessage) => {
    if (message.type === 'result') return takeResult(message)
    if (message.type === 'stream_event' || message.type === 'assistant') stopWaiting()
    if (message.type === 'system') {
      if (message.subtype === 'api_retry') takeRetry(message)
      if (message.subtype === 'background_tasks_changed') background = message.tasks
      if (message.subtype === 'init' && sessionId !== message.session_id) {
        sessionId = message.session_id
        options.onSessionId(sessionId)
      }
    }
    await options.onMessage(message)
  }

  const crash = (detail: string): TurnEnd => {
    const tail = cutStart(cleanText(stderr.trim()), 2000)
    const status = child?.signalCode ?? child?.exitCode
    const how = status === null || status === undefined ? '' : ` (${status})`
    const text = [`Claude Code ended unexpectedly${how}`, detail, tail].filter(part => part !== '').join(': ')
    return { kind: 'failed', failure: new RunError('agent_crashed', text) }
  }

  const read = async () => {
    let detail = ''
    try {
      for await (const message of conversation) await take(message)
    } catch (error) {
      detail = error instanceof Error ? error.message.slice(0, 2000) : String(error)
    }
    ended = interrupted ? { kind: 'interrupted', text: lastText } : crash(detail)
    endTurn(ended)
  }
  void read()

  const close = () => {
    if (closed) return
    closed = true
    input.close()
    conversation.close()
    const { pid } = child ?? {}
    if (pid === undefined || child?.exitCode !== null) return
    // Also what Claude left in its group, such as a server in the background.
    const callOff = endGroup(pid, CLOSE_GRACE_MS)
    child?.once('exit', () => {
      signalGroup(pid, 'SIGKILL')
      callOff()
    })
  }

  return {
    get sessionId() {
      return sessionId
    },
    send: text => {
      turn ??= new Promise<TurnEnd>(resolve => (finish = resolve))
      if (ended) endTurn(ended)
      input.push(userMessage(text))
    },
    turnEnd: async () => {
      const end = await (turn ?? ended ?? crash('no task was given'))
      turn = undefined
      return end
    },
    interrupt: async () => {
      if (!finish) return
      interrupted = true
      // An interrupt that is not answered ends in the same way a moment later.
      const timer = setTimeout(() => endTurn({ kind: 'interrupted', text: lastText }), INTERRUPT_GRACE_MS)
      timer.unref()
      await conversation.interrupt().catch(() => {})
    },
    close,
  }
}
