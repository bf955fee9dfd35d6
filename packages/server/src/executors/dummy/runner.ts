// Speaks the runner's protocol for the dummy behaviours: the same requests on the same socket as the real runner.
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CONTAINER_ENVIRONMENT,
  CONTAINER_PATHS,
  CommandList,
  GATEWAY_PATHS,
  MAX_BATCH_EVENTS,
  RUNNER_PROTOCOL_VERSION,
  type RunnerCommand,
  type RunnerEvent,
  type SettleReport,
  WorkOrder,
} from '@flowforge/protocol'
import { Agent, request } from 'undici'
import type { ContainerSpec, GatewayPlace } from '../port.ts'
import type { DummyContext } from './executor.ts'
import { pushCommit } from './git-push.ts'

export interface DummyRunner {
  context: DummyContext
  /** The work order, fetched once with this runner's nonce. */
  order(): Promise<WorkOrder>
  /** The answer's status when somebody with another nonce asks for the order. */
  orderAsAnother(): Promise<number>
  report(events: Pick<RunnerEvent, 'type' | 'data'>[]): Promise<void>
  /** What people told since then; waits until there is something. */
  commandsAfter(id: number): Promise<RunnerCommand[]>
  saveSession(sessionId: string, throughMessage: number, archive: unknown): Promise<void>
  /** What an earlier attempt saved; undefined: nothing. */
  savedSession(): Promise<unknown>
  settle(report: SettleReport): Promise<void>
  /** A commit on the job's branch, by a real git. */
  push(): Promise<string>
}

const RETRY_MS = 50

export const createDummyRunner = (context: DummyContext): DummyRunner => {
  const source = randomUUID()
  let sourceSeq = 1
  let order: Promise<WorkOrder> | undefined
  const send = createSender(context)
  const fetchOrder = (nonce: string) =>
    send(GATEWAY_PATHS.workOrder, { protocolVersion: RUNNER_PROTOCOL_VERSION, runnerVersion: 'dummy', nonce })
  const runner: DummyRunner = {
    context,
    order: () => {
      order ??= fetchOrder(randomUUID()).then(answer => WorkOrder.parse(expectOk(answer)))
      return order
    },
    orderAsAnother: async () => (await fetchOrder(randomUUID())).status,
    report: async events => {
      const at = new Date().toISOString()
      for (let first = 0; first < events.length; first += MAX_BATCH_EVENTS) {
        const batch = events.slice(first, first + MAX_BATCH_EVENTS).map(event => ({ ...event, at }))
        expectOk(await send(GATEWAY_PATHS.events, { source, firstSourceSeq: sourceSeq, events: batch }))
        sourceSeq += batch.length
      }
    },
    commandsAfter: async id => {
      for (;;) {
        const answer = await send(`${GATEWAY_PATHS.commands}?after=${id}`, undefined, 'GET')
        const { commands } = CommandList.parse(expectOk(answer))
        if (commands.length > 0) return commands
      }
    },
    saveSession: async (sessionId, throughMessage, archive) => {
      const route = `${GATEWAY_PATHS.session}?session=${sessionId}&through=${throughMessage}`
      expectOk(await send(route, archive, 'PUT'))
    },
    savedSession: async () => {
      const answer = await send(GATEWAY_PATHS.session, undefined, 'GET')
      return answer.status === 404 ? undefined : expectOk(answer)
    },
    settle: async report => {
      expectOk(await send(GATEWAY_PATHS.settle, report))
    },
    push: async () =>
      pushCommit({
        order: await runner.order(),
        reach:
          context.spec.gateway.kind === 'network' ? context.spec.gateway : socketOf(context.spec.gateway),
        token: tokenOf(context.spec),
        signal: context.killed,
      }),
  }
  return runner
}

type Method = 'GET' | 'POST' | 'PUT'

interface Answer {
  status: number
  body: unknown
}

const expectOk = ({ status, body }: Answer): unknown => {
  if (status < 300) return body
  throw new Error(`the gateway answered ${status}: ${JSON.stringify(body)}`)
}

const gatewayOf = ({ gateway }: ContainerSpec): { url: string; connect?: { socketPath: string } } =>
  gateway.kind === 'network'
    ? { url: `http://${gateway.host}:${gateway.port}` }
    : { url: 'http://gateway', connect: socketOf(gateway) }

const socketOf = ({ directory }: Extract<GatewayPlace, { kind: 'socket' }>) => ({
  socketPath: path.join(directory, path.basename(CONTAINER_PATHS.gatewaySocket)),
})

const tokenOf = ({ environment }: ContainerSpec): string => environment[CONTAINER_ENVIRONMENT.token] ?? ''

/** As the real runner, it waits for a gateway that is away; 503 and 429 are tried again as well. */
const createSender = ({ spec, killed }: DummyContext) => {
  const { url, connect } = gatewayOf(spec)
  const dispatcher = new Agent({ pipelining: 0, ...(connect && { connect }) })
  killed.addEventListener('abort', () => dispatcher.destroy(), { once: true })
  const headers = {
    authorization: `Bearer ${tokenOf(spec)}`,
    'content-type': 'application/json',
  }
  const once = async (route: string, body: unknown, method: Method): Promise<Answer> => {
    const answer = await request(new URL(route, url), {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      dispatcher,
      signal: killed,
    })
    const text = await answer.body.text()
    return { status: answer.statusCode, body: text ? JSON.parse(text) : undefined }
  }
  return async (route: string, body: unknown, method: Method = 'POST'): Promise<Answer> => {
    for (;;) {
      const answer = await once(route, body, method).catch(() => undefined)
      if (answer && answer.status !== 503 && answer.status !== 429) return answer
      await delay(RETRY_MS, undefined, { signal: killed })
    }
  }
}
