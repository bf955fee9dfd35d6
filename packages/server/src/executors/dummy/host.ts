// A process that plays dummy containers, so that they go on when a worker dies: one for each data folder, started by the
// first worker that needs it. It ends when nobody needs it, and whenever its socket's folder is removed.
import { existsSync, unlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { ContainerHandle, ContainerSpec } from '../port.ts'
import { behaviourFromTask } from './behaviours.ts'
import { createDummyExecutor } from './executor.ts'
import { answerCalls, type Calls } from './wire.ts'

/** From its start to the first worker. */
const FIRST_CALL_MS = 10_000
/** Containers that no worker comes back for end then. */
const FORSAKEN_MS = 120_000
/** Without workers and containers: a worker that was killed may be back at once. */
const UNNEEDED_MS = 2_000
const LOOK_MS = 500

const socketPath = process.argv[2]!
const executor = createDummyExecutor({ behaviour: () => behaviourFromTask })
let workers = 0
let aloneSince = performance.now()
let isDismissed = false
let patienceMs = FIRST_CALL_MS

const isEmpty = async (): Promise<boolean> => (await executor.list()).length === 0
const leave = (): never => {
  if (existsSync(socketPath)) unlinkSync(socketPath)
  process.exit(0)
}

const calls: Calls = {
  start: (spec: ContainerSpec) => executor.start(spec),
  stop: ({ handle, graceMs }: { handle: ContainerHandle; graceMs: number }) =>
    executor.stop(handle, { graceMs }),
  halt: ({ handle, graceMs }: { handle: ContainerHandle; graceMs: number }) =>
    executor.halt(handle, { graceMs }),
  inspect: (handle: ContainerHandle) => executor.inspect(handle),
  exited: (handle: ContainerHandle, closed: AbortSignal) => executor.exited(handle, closed),
  list: () => executor.list(),
  /** Whether this process ends with the connection that asks. */
  leave: async () => {
    if (workers > 1 || !(await isEmpty())) return null
    isDismissed = true
    return { pid: process.pid }
  },
  logs: ({ handle, maxBytes }: { handle: ContainerHandle; maxBytes: number }) =>
    executor.logs(handle, maxBytes),
}

const server = createServer(socket => {
  workers += 1
  patienceMs = FORSAKEN_MS
  socket.on('close', () => {
    workers -= 1
    aloneSince = performance.now()
    if (isDismissed && workers === 0) leave()
  })
  answerCalls(socket, calls)
})

const listen = (): void => void server.listen(socketPath)
server.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE') throw error
  // Another worker was faster, or a host that was killed left its socket behind.
  const probe = connect(socketPath)
  probe.on('connect', () => process.exit(0))
  probe.on('error', () => {
    if (existsSync(socketPath)) unlinkSync(socketPath)
    listen()
  })
})
listen()

setInterval(async () => {
  if (server.listening && !existsSync(socketPath)) process.exit(0)
  if (workers > 0) return
  const aloneMs = performance.now() - aloneSince
  const isForsaken = aloneMs > patienceMs
  if (isForsaken || (aloneMs > UNNEEDED_MS && patienceMs === FORSAKEN_MS && (await isEmpty()))) leave()
}, LOOK_MS)
