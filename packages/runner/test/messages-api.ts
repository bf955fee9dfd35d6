// A minimal Messages API that answers from a function: what the runner's tests put behind the gateway in Claude's place.
// It knows nothing of FlowForge.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Block =
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> }

/** What one request gets: blocks, an error status, or a stream that stops in its middle. */
export type Answer =
  | { blocks: Block[] }
  | { status: number; error: { type: string; message: string }; headers?: Record<string, string> }
  | { cut: 'stall' | 'close'; blocks: Block[] }

export interface MessagesRequest {
  model: string
  stream?: boolean
  system?: unknown
  messages: { role: string; content: unknown }[]
  tools?: { name: string }[]
}

export interface SeenRequest {
  path: string
  headers: IncomingMessage['headers']
  body: MessagesRequest
}

export type Script = (request: MessagesRequest, index: number) => Answer

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

const usage = {
  input_tokens: 10,
  output_tokens: 5,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
}

const send = (response: ServerResponse, event: Record<string, unknown>): void => {
  response.write(`event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`)
}

const streamBlock = (response: ServerResponse, block: Block, index: number): void => {
  const empty = block.type === 'text' ? { type: 'text', text: '' } : { ...block, input: {} }
  send(response, { type: 'content_block_start', index, content_block: empty })
  const pieces =
    block.type === 'text'
      ? (block.text.match(/[\s\S]{1,40}/g) ?? []).map(text => ({ type: 'text_delta', text }))
      : [{ type: 'input_json_delta', partial_json: JSON.stringify(block.input) }]
  for (const delta of pieces) send(response, { type: 'content_block_delta', index, delta })
  send(response, { type: 'content_block_stop', index })
}

const messageOf = (model: string, id: string) => ({
  id,
  type: 'message',
  role: 'assistant',
  model,
  content: [] as unknown[],
  stop_reason: null as string | null,
  stop_sequence: null,
  usage,
})

const stopReason = (blocks: Block[]) => (blocks.some(b => b.type === 'tool_use') ? 'tool_use' : 'end_turn')

const answerStream = (
  response: ServerResponse,
  model: string,
  id: string,
  answer: Extract<Answer, { blocks: Block[] }>,
) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  send(response, { type: 'message_start', message: messageOf(model, id) })
  answer.blocks.forEach((block, index) => {
    streamBlock(response, block, index)
  })
  if ('cut' in answer) {
    if (answer.cut === 'close') setImmediate(() => response.destroy())
    return
  }
  const delta = { stop_reason: stopReason(answer.blocks), stop_sequence: null }
  send(response, { type: 'message_delta', delta, usage: { output_tokens: 5 } })
  send(response, { type: 'message_stop' })
  response.end()
}

/** Answers the Messages API under any prefix; everything else gets 404. */
export const createMessagesApi = (script: Script) => {
  const seen: SeenRequest[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await readBody(request)
    const path = request.url ?? ''
    if (request.method !== 'POST' || !path.split('?')[0]?.endsWith('/v1/messages')) {
      response.writeHead(404).end()
      return
    }
    const body = JSON.parse(text) as MessagesRequest
    const index = seen.length
    seen.push({ path, headers: request.headers, body })
    const answer = script(body, index)
    if ('status' in answer) {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      response.end(JSON.stringify({ type: 'error', error: answer.error }))
      return
    }
    if (body.stream) return answerStream(response, body.model, `msg_${index}`, answer)
    const message = messageOf(body.model, `msg_${index}`)
    message.content = answer.blocks
    message.stop_reason = stopReason(answer.blocks)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(message))
  }
  return { handle, seen }
}

/** The same on a TCP port of its own. */
export const listenMessagesApi = async (script: Script) => {
  const api = createMessagesApi(script)
  const server = createServer((request, response) => void api.handle(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { ...api, url: `http://127.0.0.1:${port}`, close: () => server.close() }
}
