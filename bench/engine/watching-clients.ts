// A thread of clients that watch one job and note when each event reached them. Reads no more of a message than its number.
import { once } from 'node:events'
import http from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import { WebSocket } from 'ws'

export interface WatchingOrder {
  via: 'websocket' | 'sse'
  url: string
  token: string
  jobId: string
  watchers: number
  after: number
  last: number
  committedAt: Float64Array
}

export interface WatchingReport {
  delivered: number
  lastAt: number
  latenciesMs: number[]
}

const order = workerData as WatchingOrder
const count = order.last - order.after
const now = () => performance.timeOrigin + performance.now()
const arrivals = Array.from({ length: order.watchers }, () => new Float64Array(count))
const headers = { authorization: `Bearer ${order.token}` }
const LIMIT_MS = 60_000

let waiting = order.watchers
const all = Promise.withResolvers<void>()

function arrived(watcher: number, seq: number): void {
  const place = seq - order.after - 1
  if (place < 0 || arrivals[watcher]![place] !== 0) throw new Error(`watcher ${watcher} got ${seq} again`)
  arrivals[watcher]![place] = now()
  if (seq !== order.last) return
  waiting -= 1
  if (waiting === 0) all.resolve()
}

async function watchOverWebSocket(watcher: number): Promise<void> {
  const socket = new WebSocket(`${order.url.replace('http', 'ws')}/api/v1/live`, { headers })
  await once(socket, 'open')
  const subscribed = once(socket, 'message')
  socket.send(JSON.stringify({ subscribe: order.jobId, after: order.after }))
  await subscribed
  socket.on('message', data => {
    const seq = /"seq":(\d+)/.exec((data as Buffer).toString('latin1', 0, 40))
    if (seq) arrived(watcher, Number(seq[1]))
  })
}

async function watchOverSse(watcher: number): Promise<void> {
  const path = `${order.url}/api/v1/jobs/${order.jobId}/stream?after=${order.after}`
  const request = http.get(path, { headers, agent: false })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let rest = ''
  response.on('data', (piece: Buffer) => {
    const lines = (rest + piece.toString('latin1')).split('\n')
    rest = lines.pop()!
    for (const line of lines) if (line.startsWith('id: ')) arrived(watcher, Number(line.slice(4)))
  })
}

const watch = order.via === 'websocket' ? watchOverWebSocket : watchOverSse
await Promise.all(arrivals.map((_, watcher) => watch(watcher)))
parentPort!.postMessage('watching')

const timer = setTimeout(all.resolve, LIMIT_MS)
await all.promise
clearTimeout(timer)
const latenciesMs: number[] = []
let lastAt = 0
for (const arrival of arrivals)
  for (const [place, at] of arrival.entries()) {
    if (at === 0) continue
    lastAt = Math.max(lastAt, at)
    // An announcement may be faster than the answer to whoever committed.
    latenciesMs.push(Math.max(0, at - order.committedAt[order.after + 1 + place]!))
  }
parentPort!.postMessage({ delivered: latenciesMs.length, lastAt, latenciesMs } satisfies WatchingReport)
