// What stands before several servers: asks each whether it is ready, and passes requests to those that are. Writes down what
// it answered, since what people see during a deploy is what came through here.
import {
  createServer as createHttpServer,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import { freePort } from '../script/lib/program.ts'

export interface Balancer {
  url: string
  answers: { status: number; retryAfter: string | undefined; path: string }[]
  close(): Promise<void>
}

const ASK_MS = 100

export async function startBalancer(ports: number[]): Promise<Balancer> {
  const ready = new Set<number>()
  const answers: Balancer['answers'] = []
  let turn = 0
  const ask = async (port: number): Promise<void> => {
    const isReady = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) ready.add(port)
    else ready.delete(port)
  }
  const asking = setInterval(() => void Promise.all(ports.map(ask)), ASK_MS)
  await Promise.all(ports.map(ask))

  const pass = (req: IncomingMessage, res: ServerResponse, body: Buffer, tried: Set<number>): void => {
    const able = [...ready].filter(port => !tried.has(port))
    const port = able[turn++ % able.length]
    if (port === undefined) {
      answers.push({ status: 502, retryAfter: undefined, path: req.url ?? '' })
      res.writeHead(502).end()
      return
    }
    const { method, url, headers } = req
    const onward = request({ port, method, path: url, headers: { ...headers, connection: 'close' } })
    onward.once('response', answer => {
      answers.push({
        status: answer.statusCode!,
        retryAfter: answer.headers['retry-after'],
        path: url ?? '',
      })
      res.writeHead(answer.statusCode!, answer.headers)
      answer.on('error', () => res.destroy())
      answer.pipe(res)
    })
    // It has closed its port since it was asked: nothing was begun there, so another one gets the request.
    onward.once('error', () => (res.headersSent ? res.destroy() : pass(req, res, body, tried.add(port))))
    res.once('close', () => onward.destroy())
    onward.end(body)
  }
  const server = createHttpServer(async (req, res) => {
    const pieces: Buffer[] = []
    for await (const piece of req) pieces.push(piece as Buffer)
    pass(req, res, Buffer.concat(pieces), new Set())
  })
  const port = await freePort()
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${port}`,
    answers,
    close: async () => {
      clearInterval(asking)
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}
