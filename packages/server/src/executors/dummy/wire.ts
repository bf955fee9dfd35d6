// Calls between two processes over a stream: one JSON value a line, an answer for each question in any order.
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { type ErrorCode, FlowForgeError } from '../../errors.ts'

export type Calls = Record<string, (argument: never, closed: AbortSignal) => Promise<unknown>>

interface Question {
  id: number
  call: string
  argument: unknown
}
interface Answer {
  id: number
  result?: unknown
  failure?: { code?: ErrorCode; message: string }
}

const send = (socket: Socket, message: Question | Answer): void =>
  void socket.write(`${JSON.stringify(message)}\n`)

/** A broken connection is told by `close`; the reader of lines would throw its error a second time. */
const linesOf = (socket: Socket) => createInterface({ input: socket }).on('error', () => {})

export function answerCalls(socket: Socket, calls: Calls): void {
  const closed = new AbortController()
  socket.on('error', () => {})
  socket.on('close', () => closed.abort())
  linesOf(socket).on('line', line => {
    const { id, call, argument } = JSON.parse(line) as Question
    calls[call]!(argument as never, closed.signal).then(
      result => send(socket, { id, result }),
      error => {
        if (closed.signal.aborted) return
        const code = error instanceof FlowForgeError ? error.code : undefined
        send(socket, { id, failure: { code, message: String(error?.message ?? error) } })
      },
    )
  })
}

/** The other side went away before it had answered. */
export class Disconnected extends Error {}

export function createCaller(socket: Socket) {
  const open = new Map<number, PromiseWithResolvers<unknown>>()
  let last = 0
  const disconnect = (): void => {
    for (const { reject } of open.values()) reject(new Disconnected('The connection ended.'))
    open.clear()
  }
  socket.on('error', () => {})
  socket.on('close', disconnect)
  linesOf(socket).on('line', line => {
    const { id, result, failure } = JSON.parse(line) as Answer
    const question = open.get(id)
    open.delete(id)
    if (!failure) question?.resolve(result)
    else
      question?.reject(
        failure.code ? new FlowForgeError(failure.code, failure.message) : new Error(failure.message),
      )
  })
  return async <Result>(call: string, argument: unknown): Promise<Result> => {
    if (socket.destroyed) throw new Disconnected('The connection ended.')
    const answer = Promise.withResolvers<unknown>()
    open.set(++last, answer)
    send(socket, { id: last, call, argument })
    return (await answer.promise) as Result
  }
}
