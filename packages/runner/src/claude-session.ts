// One Claude Code conversation: started while set-up runs, fed with prompts, read until each turn is over.
// Knows the Agent SDK; knows nothing of Git, verify or the gateway.
import { randomUUID, type UUID } from 'node:crypto'
import type { Options, Query, SDKMessage, SDKUserMessage } from '@anthropic-ai/claude-agent-sdk'
import { isHopelessRetry } from './claude-outcome.ts'
import { type ClaudeProcess, claudeCommand, startClaudeProcess } from './claude-process.ts'
import { createTurns, type TurnEnd } from './claude-turn.ts'
import { RunError } from './failure.ts'
import { hasRunOutOfMemory } from './out-of-memory.ts'
import { cleanText, cutStart } from './text.ts'

export type AgentSdk = {
  query(params: { prompt: AsyncIterable<SDKUserMessage>; options: Options }): Query
}

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
  loadSdk(): Promise<AgentSdk>
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
export const DISALLOWED_TOOLS = [
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

const INTERRUPT_GRACE_MS = 10_000
/** The version that `loadSdk` gives, without loading it. */
export const SDK_VERSION = '0.3.330'

/** `/clear` and the like in a task are words, not commands of the terminal. */
const userMessage = (text: string, uuid: UUID): SDKUserMessage => ({
  type: 'user',
  uuid,
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

const waitingDetail = (message: Extract<SDKMessage, { subtype: 'api_retry' }>): string => {
  const cause = message.error_status === null ? 'no answer' : `${message.error} (${message.error_status})`
  const seconds = Math.max(1, Math.round(message.retry_delay_ms / 1000))
  return `${cause}; attempt ${message.attempt}, next in ${seconds} s`
}

const crashOf = (claude: ClaudeProcess, detail: string): RunError => {
  const exit = claude.exit()
  if (exit === 'SIGKILL' && hasRunOutOfMemory())
    return new RunError(
      'oom',
      'The container used more memory than it may, and the kernel ended Claude Code.',
    )
  const how = `Claude Code ended unexpectedly${exit === undefined ? '' : ` (${exit})`}`
  const tail = cutStart(cleanText(claude.stderr().trim()), 2000)
  return new RunError('agent_crashed', [how, detail, tail].filter(part => part !== '').join(': '))
}

type SessionOptions = Pick<
  ClaudeOptions,
  'executable' | 'cwd' | 'env' | 'trustedConfigDirectory' | 'systemPromptAppend' | 'model' | 'maxTurns'
>

export const sessionOptions = (options: SessionOptions): Options => ({
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
})

export const startClaude = async (options: ClaudeOptions): Promise<ClaudeSession> => {
  const claude = startClaudeProcess(
    claudeCommand({ ...options, disallowedTools: DISALLOWED_TOOLS }, SDK_VERSION),
  )
  const { query } = await options.loadSdk().catch(error => {
    claude.close()
    throw error
  })
  const input = createInput()
  const turns = createTurns()
  let sessionId: string | undefined
  let waiting = false
  const conversation = query({
    prompt: input.messages(),
    options: { ...sessionOptions(options), spawnClaudeCodeProcess: asked => claude.take(asked) },
  })

  const stopWaiting = () => {
    if (waiting) options.onWaiting(undefined)
    waiting = false
  }

  const takeRetry = (message: Extract<SDKMessage, { subtype: 'api_retry' }>) => {
    if (isHopelessRetry(message)) {
      const text = `Claude's API refused the key (${message.error_status}). Check the organization's Claude key.`
      return turns.fail(new RunError('claude_auth', text))
    }
    waiting = true
    options.onWaiting(waitingDetail(message))
  }

  const takeSystem = (message: Extract<SDKMessage, { type: 'system' }>) => {
    if (message.subtype === 'api_retry') takeRetry(message)
    if (message.subtype === 'background_tasks_changed') turns.backgroundTasks(message.tasks)
    if (message.subtype !== 'init' || sessionId === message.session_id) return
    sessionId = message.session_id
    options.onSessionId(sessionId)
  }

  const take = async (message: SDKMessage) => {
    if (message.type === 'system') takeSystem(message)
    if (message.type === 'result') {
      stopWaiting()
      turns.result(message)
    }
    if (message.type === 'stream_event' || message.type === 'assistant') stopWaiting()
    await options.onMessage(message)
  }

  const read = async () => {
    let detail = ''
    try {
      for await (const message of conversation) await take(message)
    } catch (error) {
      detail = error instanceof Error ? error.message.slice(0, 2000) : String(error)
    }
    turns.processEnded(crashOf(claude, detail))
  }
  void read()

  return {
    get sessionId() {
      return sessionId
    },
    send: text => {
      const uuid = randomUUID()
      turns.sent(uuid)
      input.push(userMessage(text, uuid))
    },
    turnEnd: turns.end,
    interrupt: async () => {
      if (!turns.interrupt()) return
      // An interrupt that is not answered ends in the same way a moment later.
      setTimeout(turns.giveUp, INTERRUPT_GRACE_MS).unref()
      await conversation.interrupt().catch(() => {})
    },
    close: () => {
      input.close()
      conversation.close()
      claude.close()
    },
  }
}
