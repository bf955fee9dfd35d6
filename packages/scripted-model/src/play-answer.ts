// Writes an answer to the client at the step's pace, or breaks it the way the step says. Knows nothing of scenarios' choice.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, messageOnTheWire } from './answer.ts'
import type { RecordedRequest } from './record.ts'
import type { PlainStep } from './scenario.ts'
import { type StreamEvent, streamEvents } from './stream-events.ts'

export interface Play {
  answer: Answer
  response: ServerResponse
  stream: boolean
  fault: 'stall' | 'cut' | 'malformed' | undefined
  tokensPerSecond: PlainStep['tokensPerSecond']
  /** Factor on every delay; 0 = no delays. */
  pace: number
  /** Aborted when the client leaves or the server closes. */
  signal: AbortSignal
}

const SMALL_PIECE_CHARACTERS = 12
const LARGE_PIECE_CHARACTERS = 400

type Outcome = NonNullable<RecordedRequest['outcome']>

export async function playAnswer(play: Play): Promise<Outcome> {
  try {
    return await (play.stream ? playStream(play) : playWhole(play))
  } catch (error) {
    if (play.signal.aborted) return 'client_left'
    throw error
  }
}

/** Waits for the client where it reads slower than we write: 500 streams must not pile up in memory. */
async function write({ response, signal }: Play, data: string): Promise<void> {
  if (!response.write(data)) await once(response, 'drain', { signal })
}

const untilClientLeaves = (signal: AbortSignal): Promise<unknown> =>
  signal.aborted ? Promise.resolve() : once(signal, 'abort')

const delayOf = (play: Play, tokens: number): number =>
  play.tokensPerSecond ? (tokens / play.tokensPerSecond) * 1000 * play.pace : 0

async function playStream(play: Play): Promise<Outcome> {
  const small = play.fault !== undefined || (play.tokensPerSecond !== undefined && play.pace > 0)
  const events = [...streamEvents(play.answer, small ? SMALL_PIECE_CHARACTERS : LARGE_PIECE_CHARACTERS)]
  play.response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  if (!play.fault) {
    await writeEvents(play, events)
    play.response.end()
    return 'complete'
  }
  // A fault comes where it hurts: after some of the answer has arrived.
  await writeEvents(play, events.slice(0, Math.max(2, Math.floor(events.length / 2))))
  return breakOff(play, 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n')
}

async function writeEvents(play: Play, events: StreamEvent[]): Promise<void> {
  let pending = ''
  for (const event of events) {
    const delayMs = delayOf(play, event.tokens)
    pending += event.data
    if (delayMs === 0 && pending.length < 65_536) continue
    await write(play, pending)
    pending = ''
    if (delayMs > 0) await wait(delayMs, undefined, { signal: play.signal })
  }
  if (pending) await write(play, pending)
}

async function playWhole(play: Play): Promise<Outcome> {
  const body = JSON.stringify(messageOnTheWire(play.answer))
  await wait(delayOf(play, play.answer.usage.outputTokens), undefined, { signal: play.signal })
  const headers = { 'content-type': 'application/json' }
  if (!play.fault) {
    play.response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
    return 'complete'
  }
  play.response.writeHead(200, headers)
  await write(play, body.slice(0, body.length / 2))
  return breakOff(play, '')
}

async function breakOff(play: Play, nonsense: string): Promise<Outcome> {
  switch (play.fault) {
    case 'stall':
      await untilClientLeaves(play.signal)
      return 'stalled'
    case 'cut':
      // What was written has to reach the client before the connection goes.
      await new Promise<void>(written => play.response.write('', () => written()))
      play.response.destroy()
      return 'cut'
    default:
      play.response.end(nonsense)
      return 'malformed'
  }
}
