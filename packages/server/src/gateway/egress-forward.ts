// One plain HTTP request on its way out over a connection that is open already. Must not know why it is allowed.
import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { refuse } from './refusal.ts'

export interface PlainForward {
  req: IncomingMessage
  res: ServerResponse
  way: { destination: { host: string; port: number }; socket: Socket; count: (bytes: number) => boolean }
  path: string
  idleTimeoutMs: number
}

/** Resolves when the answer has been passed on or the connection is gone. Redirects are the client's to follow. */
export function forwardPlain({ req, res, way, path, idleTimeoutMs }: PlainForward): Promise<void> {
  const { socket, destination, count } = way
  const host = destination.port === 80 ? destination.host : `${destination.host}:${destination.port}`
  return new Promise(resolve => {
    const outgoing = request({
      method: req.method!,
      path,
      // The name that was checked, whatever the client's Host header says.
      headers: { ...endToEnd(req.headers), ...framing(req.headers), host },
      createConnection: () => socket,
    })
    const end = () => {
      outgoing.destroy()
      socket.destroy()
      resolve()
    }
    const meter = (chunk: Buffer) => {
      if (!count(chunk.length)) end()
    }
    socket.setTimeout(idleTimeoutMs, end)
    res.on('close', end)
    outgoing.on('error', () => {
      answerBroken(res, host)
      end()
    })
    outgoing.on('response', incoming => {
      res.writeHead(incoming.statusCode!, endToEnd(incoming.headers))
      incoming.on('data', meter).on('error', () => res.destroy())
      incoming.on('close', () => {
        if (!incoming.complete) res.destroy()
      })
      incoming.pipe(res)
    })
    if (res.destroyed || socket.destroyed) {
      answerBroken(res, host)
      end()
      return
    }
    req.on('data', meter).on('error', end)
    req.pipe(outgoing)
  })
}

function answerBroken(res: ServerResponse, host: string): void {
  if (res.destroyed) return
  if (res.headersSent) res.destroy()
  else refuse(res, 'egress', { status: 502, code: 'unavailable', message: `${host} broke the connection.` })
}

const HOP_BY_HOP = [
  'connection',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  // The attempt's token: not for the world.
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '').toLowerCase().split(/\s*,\s*/)
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name) && !named.includes(name))
  return Object.fromEntries(kept)
}

/** A body of unknown length stays chunked, also where Node would not expect one (DELETE). */
const framing = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' }
