// One Claude Code conversation: started while set-up runs, fed with prompts, read until each turn is over.
// Knows the Agent SDK; knows nothing of Git, verify or the gateway.
import { randomUUID, type UUID } from 'node:crypto'
import type { CanUseTool, Options, Query, SDKMessage, SDKUserMessage } from '@anthropic-ai/claude-agent-sdk'
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
  /** Claude has begun to answer: a conversation that was to go on does. */
  readonly hasAnswered: boolean
  /** The newest of its messages: what the transcript has when it is up to date. */
  readonly lastMessageId: string | undefined
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
  /** The session of an earlier attempt, whose transcript has been put back. */
  resume?: string | undefined
  planFirst: boolean
  mayAsk: boolean
  /** Permission rules for what needs a person's yes. */
  approvals: readonly string[]
  canUseTool: CanUseTool
  loadSdk(): Promise<AgentSdk>
  onMessage(message: SDKMessage): void | Promise<void>
  onSessionId(sessionId: string): void
  onFirstAnswer(): void
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

/** A job is one task: tools that would wait for another day, or go elsewhere, mislead. */
const NEVER_TOOLS = [
  'EnterPlanMode',
  'EnterWorktree',
  'ExitWorktree',
  'CronCreate',
  'CronDelete',
  'CronList',
  'ScheduleWakeup',
]

export const disallowedTools = ({
  planFirst,
  mayAsk,
}: Pick<ClaudeOptions, 'planFirst' | 'mayAsk'>): string[] => [
  ...(mayAsk ? [] : ['AskUserQuestion']),
  ...(planFirst ? [] : ['ExitPlanMode']),
  ...NEVER_TOOLS,
]

/**
 * As policy of the process that starts Claude Code: the image's managed settings let no other source of rules count, and
 * take these because of `parentSettingsBehavior: merge`. Only restrictions get through.
 */
const approvalSettings = (approvals: readonly string[]): Options['managedSettings'] =>
  approvals.length === 0 ? undefined : { permissions: { ask: [...approvals] } }

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
  | 'executable'
  | 'cwd'
  | 'env'
  | 'trustedConfigDirectory'
  | 'systemPromptAppend'
  | 'model'
  | 'maxTurns'
  | 'resume'
  | 'planFirst'
  | 'mayAsk'
  | 'approvals'
  | 'canUseTool'
>

export const sessionOptions = (options: SessionOptions): Options => ({
  cwd: options.cwd,
  env: options.env,
  pathToClaudeCodeExecutable: options.executable,
  // `bypassPermissions` asks all the same what a rule reserves, and what only a person can answer.
  permissionMode: options.planFirst ? 'plan' : 'bypassPermissions',
  allowDangerouslySkipPermissions: true,
  includePartialMessages: true,
  forwardSubagentText: true,
  disallowedTools: disallowedTools(options),
  canUseTool: options.canUseTool,
  ...(options.approvals.length === 0 ? {} : { managedSettings: approvalSettings(options.approvals)! }),
  ...(options.resume === undefined ? {} : { resume: options.resume }),
  ...settingsPolicy(options.trustedConfigDirectory),
  systemPrompt: { type: 'preset', preset: 'claude_code', append: options.systemPromptAppend },
  ...(options.model === undefined ? {} : { model: options.model }),
  ...(options.maxTurns === undefined ? {} : { maxTurns: options.maxTurns }),
})

export const startClaude = async (options: ClaudeOptions): Promise<ClaudeSession> => {
  const claude = startClaudeProcess(
    claudeCommand(
      {
        ...options,
        disallowedTools: disallowedTools(options),
        managedSettings: approvalSettings(options.approvals),
      },
      SDK_VERSION,
    ),
  )
  const { query } = await options.loadSdk().catch(error => {
    claude.close()
    throw error
  })
  const input = createInput()
  const turns = createTurns()
  let sessionId: string | undefined
  let waiting = false
  let hasAnswered = false
  let lastMessageId: string | undefined
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
    if (message.type === 'assistant' && message.parent_tool_use_id === null) lastMessageId = message.uuid
    if (message.type === 'stream_event' || message.type === 'assistant') {
      if (!hasAnswered) options.onFirstAnswer()
      hasAnswered = true
      stopWaiting()
    }
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
    get hasAnswered() {
      return hasAnswered
    },
    get lastMessageId() {
      return lastMessageId
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
