// An answer as the Server-Sent Events of the Messages API, in order. Pure.
import { type Answer, type AnswerBlock, messageOnTheWire } from './answer.ts'
import { tokensIn, usageOnTheWire } from './tokens.ts'

export interface StreamEvent {
  data: string
  /** How much of the answer it carries: what a pace is measured by. */
  tokens: number
}

const encode = (type: string, fields: object, tokens = 0): StreamEvent => ({
  data: `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`,
  tokens,
})

/** Cut without splitting a surrogate pair: half a character can't be encoded. */
function* pieces(text: string, length: number): Generator<string> {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + length, text.length)
    const last = text.charCodeAt(end - 1)
    if (last >= 0xd800 && last <= 0xdbff && end < text.length) end += 1
    yield text.slice(start, end)
    start = end
  }
}

const opened = (block: AnswerBlock) =>
  block.type === 'text'
    ? { type: 'text', text: '' }
    : { type: 'tool_use', id: block.id, name: block.name, input: {} }

function* blockEvents(block: AnswerBlock, index: number, pieceLength: number): Generator<StreamEvent> {
  const isText = block.type === 'text'
  yield encode('content_block_start', { index, content_block: opened(block) })
  if (index === 0) yield encode('ping', {})
  const content = isText ? block.text : JSON.stringify(block.input)
  for (const piece of pieces(content, pieceLength)) {
    const delta = isText
      ? { type: 'text_delta', text: piece }
      : { type: 'input_json_delta', partial_json: piece }
    yield encode('content_block_delta', { index, delta }, tokensIn(piece))
  }
  yield encode('content_block_stop', { index })
}

/** `pieceLength`: characters per delta. Small for a stream that is watched, large for one that should be fast. */
export function* streamEvents(answer: Answer, pieceLength: number): Generator<StreamEvent> {
  const message = messageOnTheWire(answer)
  yield encode('message_start', {
    message: { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 1 } },
  })
  for (const [index, block] of answer.content.entries()) yield* blockEvents(block, index, pieceLength)
  yield encode('message_delta', {
    delta: { stop_reason: answer.stopReason, stop_sequence: null },
    usage: usageOnTheWire(answer.usage),
  })
  yield encode('message_stop', {})
}
