// The body of POST /v1/messages, checked as far as a client's mistake would matter. Loose: fields that are not
// named here are allowed, since every version of Claude Code sends new ones.
import { z } from 'zod'

const Block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  tool_use_id: z.string().optional(),
  content: z.unknown().optional(),
})
export type Block = z.infer<typeof Block>

const Content = z.union([z.string(), z.array(Block)])

const Message = z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content: Content })
export type Message = z.infer<typeof Message>

const requestBase = {
  model: z.string().min(1),
  messages: z.array(Message).min(1, 'at least one message is required'),
  system: Content.optional(),
  tools: z.array(z.looseObject({ name: z.string() })).optional(),
  output_config: z
    .looseObject({ format: z.looseObject({ schema: z.unknown().optional() }).nullish() })
    .optional(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).optional(),
}

export const CountTokensRequest = z.looseObject(requestBase)
export const MessagesRequest = z.looseObject({
  ...requestBase,
  max_tokens: z.number().int().min(1),
  stream: z.boolean().optional(),
})
export type MessagesRequest = z.infer<typeof MessagesRequest>
export type CountTokensRequest = z.infer<typeof CountTokensRequest>

/** One line as the API words it: the path, then what is wrong. */
export function describeInvalid(error: z.ZodError): string {
  const issue = error.issues[0]
  if (!issue) return 'Invalid request'
  const missing = issue.code === 'invalid_type' && / undefined$/.test(issue.message)
  return `${issue.path.join('.')}: ${missing ? 'Field required' : issue.message}`
}

export const blocksOf = (content: Message['content'] | undefined): Block[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? [])

/**
 * Tool uses and results come in pairs, the result in the very next user message; the API refuses anything else, and a
 * client that loses a result while it resumes a session is found only by this.
 */
export function unpairedTool(messages: Message[]): string | undefined {
  const turns = messages
    .map((message, index) => ({ message, index }))
    .filter(t => t.message.role !== 'system')
  let open: string[] = []
  for (const { message, index } of turns) {
    const blocks = blocksOf(message.content)
    const results = blocks.filter(b => b.type === 'tool_result').map(b => b.tool_use_id ?? '')
    const unanswered = open.filter(id => !results.includes(id))
    if (unanswered.length > 0) {
      return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${unanswered.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`
    }
    const unasked = results.find(id => !open.includes(id))
    if (unasked !== undefined) {
      return `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${unasked}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`
    }
    open = message.role === 'assistant' ? blocks.filter(b => b.type === 'tool_use').map(b => b.id ?? '') : []
  }
  return undefined
}
