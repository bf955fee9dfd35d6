// Reads a request the way a person would: whose conversation it is, what the task was, how far it has come.
// Everything comes from the request itself, so that any number of conversations can share a server without state.
import { createHash } from 'node:crypto'
import type { Message, MessagesRequest } from './messages-request.ts'
import { blocksOf } from './messages-request.ts'

export interface Turn {
  /** What the person wrote to start this turn. */
  prompt: string
  /** For each answer of the model in this turn, and for the one asked for now: the tool result it could see, if any. */
  toolResults: (string | undefined)[]
}

export interface Conversation {
  /** `side`: a small question of Claude Code's own (a title, a quota probe), not part of anyone's conversation. */
  kind: 'main' | 'sub-agent' | 'side'
  /** Tells conversations apart whose tasks are the same. */
  key: string
  task: string
  cwd: string
  /** Where Claude Code wants a plan written, in its permission mode `plan`. */
  planFile: string | undefined
  /** The current turn; the first has index 0. */
  turnIndex: number
  turn: Turn
}

/** Claude Code found the stream broken: the answer before it was not the whole one, and is asked for again. */
const CUT_OFF = /^Your response above was cut off mid-stream/
/** What Claude Code adds to a person's words: context, notices of background work, notes on an interrupt. */
const NOT_A_PERSONS_WORDS =
  /^\s*(<system-reminder>|<task-notification>|\[Request interrupted by user|Output token limit hit\.|Your response above was cut off)/

const textOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : Array.isArray(content)
      ? content.map(block => (typeof block?.text === 'string' ? block.text : '')).join('\n')
      : ''

const promptOf = (message: Message): string =>
  blocksOf(message.content)
    .filter(block => block.type === 'text' && !NOT_A_PERSONS_WORDS.test(block.text ?? ''))
    .map(block => block.text ?? '')
    .join('\n')
    .trim()

const lastToolResultOf = (message: Message): string | undefined => {
  const result = blocksOf(message.content).findLast(block => block.type === 'tool_result')
  return result && textOf(result.content)
}

function turnsOf(messages: Message[]): Turn[] {
  const turns: Turn[] = []
  let answers: Turn['toolResults'] = []
  let lastToolResult: string | undefined
  for (const message of messages) {
    if (message.role === 'assistant') answers.push(lastToolResult)
    if (message.role !== 'user') continue
    const prompt = promptOf(message)
    if (blocksOf(message.content).some(block => CUT_OFF.test(block.text ?? ''))) answers.pop()
    lastToolResult = lastToolResultOf(message) ?? (prompt ? undefined : lastToolResult)
    if (prompt || turns.length === 0) {
      answers = []
      turns.push({ prompt, toolResults: answers })
    }
  }
  answers.push(lastToolResult)
  return turns
}

/** All that is said to the model outside of the conversation: the system prompt, and system messages within it. */
const systemTextOf = (request: MessagesRequest): string =>
  [
    textOf(request.system),
    ...request.messages.filter(m => m.role === 'system').map(m => textOf(m.content)),
  ].join('\n')

/** Claude Code marks its sub-agents in its first system block; older versions can be told by their system prompt. */
const SUB_AGENT = /cc_is_subagent=true|^You are an agent for Claude Code/m
const CLAUDE_CODE = /x-anthropic-billing-header|Claude Code|Claude Agent SDK/
const PLAN_FILE = /\/\S+\/plans\/[\w.-]+\.md/
const WORKING_DIRECTORY = /(?:working directory|cwd): *(\/[^\n]*)/i

function kindOf(request: MessagesRequest, system: string): Conversation['kind'] {
  if (request.max_tokens === 1) return 'side'
  if ((request.tools ?? []).length === 0 && CLAUDE_CODE.test(system)) return 'side'
  return SUB_AGENT.test(system) ? 'sub-agent' : 'main'
}

export function readConversation(request: MessagesRequest, agentId = ''): Conversation {
  const system = systemTextOf(request)
  const turns = turnsOf(request.messages)
  const task = turns[0]?.prompt ?? ''
  const identity = [request.metadata?.user_id ?? '', agentId, task].join('\0')
  const kind = kindOf(request, system)
  return {
    kind: agentId && kind === 'main' ? 'sub-agent' : kind,
    key: createHash('sha256').update(identity).digest('base64url'),
    task,
    cwd: WORKING_DIRECTORY.exec(system)?.[1]?.trim() ?? '/workspace/repository',
    planFile: PLAN_FILE.exec(system)?.[0],
    turnIndex: Math.max(0, turns.length - 1),
    turn: turns.at(-1) ?? { prompt: '', toolResults: [undefined] },
  }
}
