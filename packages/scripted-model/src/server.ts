// The Messages API over HTTP: routes, credentials, errors and the record. What is answered is decided in choose-step.ts.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { newId } from './answer.ts'
import { answerMessages } from './answer-messages.ts'
import { ApiError } from './api-errors.ts'
import { checkCredential, credentialOf } from './credential.ts'
import { type Context, type Exchange, parseJson, readBody, sendError, sendJson } from './exchange.ts'
import { createFaultCounts } from './fault-counts.ts'
import { CountTokensRequest, describeInvalid } from './messages-request.ts'
import { listModels, requireModel } from './models.ts'
import { createRequestRecord, type RecordedRequest } from './record.ts'
import { parseScenarios, readScenarios, type ScenarioInput } from './scenario.ts'
import { countInput } from './tokens.ts'

export const SCENARIOS_DIRECTORY = fileURLToPath(new URL('../scenarios', import.meta.url))
export type { RecordedRequest, ScenarioInput }

export interface ScriptedModelOptions {
  /** Absent: the scenarios that come with this package. */
  scenariosDirectory?: string
  /** Instead of a directory. */
  scenarios?: ScenarioInput[]
  /** Any other key gets 401; absent: any key will do. */
  apiKey?: string
  /** 0 or absent: a free one. */
  port?: number
  host?: string
  /** Factor on the delays of scenarios that have no fixed pace; 0 = as fast as possible. Default 1. */
  pace?: number
}

export interface ScriptedModel {
  url: string
  port: number
  requests(): RecordedRequest[]
  close(): Promise<void>
}

export async function createScriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const directory = options.scenariosDirectory ?? SCENARIOS_DIRECTORY
  const context: Context = {
    scenarios: parseScenarios(
      options.scenarios ?? (await readScenarios(directory)),
      options.scenarios ? undefined : directory,
    ),
    apiKey: options.apiKey,
    pace: options.pace ?? 1,
    record: createRequestRecord(),
    faultCounts: createFaultCounts(),
  }
  const server = createServer((request, response) => void handle(context, request, response))
  // Longer than any client keeps an idle connection, so that none is closed under a request that is just being sent.
  server.keepAliveTimeout = 120_000
  const host = options.host ?? '127.0.0.1'
  server.listen(options.port ?? 0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    requests: () => context.record.list(),
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function handle(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = newId('req')
  response.setHeader('request-id', requestId)
  response.setHeader('x-scripted-model', '1')
  const startedAt = performance.now()
  const recorded = describeRequest(requestId, request)
  const left = new AbortController()
  response.once('close', () => {
    left.abort()
    recorded.durationMs = Math.round(performance.now() - startedAt)
  })
  response.on('error', () => left.abort())
  try {
    const body = await readBody(request)
    if (!recorded.path.startsWith('/_/')) context.record.add(recorded, body)
    await route(context, { request, response, body, recorded, signal: left.signal })
    recorded.outcome ??= 'complete'
  } catch (error) {
    recorded.outcome = left.signal.aborted ? 'client_left' : 'error'
    if (!left.signal.aborted) sendError(response, toApiError(error), requestId)
  } finally {
    recorded.status = response.statusCode
  }
}

const describeRequest = (id: string, request: IncomingMessage): RecordedRequest => ({
  id,
  at: new Date().toISOString(),
  method: request.method ?? 'GET',
  path: (request.url ?? '/').replace(/\?.*/s, ''),
  auth: credentialOf(request.headers),
  userAgent: request.headers['user-agent'],
  headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
})

async function route(context: Context, exchange: Exchange): Promise<void> {
  const { response, recorded } = exchange
  const { method, path } = recorded
  if (path.startsWith('/_/')) return answerInspection(context, exchange)
  // Claude Code asks HEAD /api/hello to see whether the API can be reached.
  if (path === '/' || path === '/api/hello')
    return sendJson(response, 200, { status: 'ok', scriptedModel: true })
  if (!path.startsWith('/v1/')) throw new ApiError(404)
  checkCredential(recorded.auth, context.apiKey)
  if (path === '/v1/models' || path.startsWith('/v1/models/')) {
    requireMethod(method, 'GET')
    const id = path.slice('/v1/models/'.length)
    return sendJson(response, 200, id ? requireModel(id) : listModels())
  }
  if (path !== '/v1/messages' && path !== '/v1/messages/count_tokens') throw new ApiError(404)
  requireMethod(method, 'POST')
  if (!exchange.request.headers['anthropic-version'])
    throw new ApiError(400, 'anthropic-version: header is required')
  return path === '/v1/messages' ? answerMessages(context, exchange) : countTokens(exchange)
}

function countTokens({ body, response }: Exchange): void {
  const parsed = CountTokensRequest.safeParse(parseJson(body))
  if (!parsed.success) throw new ApiError(400, describeInvalid(parsed.error))
  requireModel(parsed.data.model)
  sendJson(response, 200, { input_tokens: countInput(parsed.data) })
}

/** For tests: what was asked, and what it came to. */
function answerInspection({ record }: Context, { response, recorded: { method, path } }: Exchange): void {
  const bodyOf = /^\/_\/requests\/([\w-]+)\/body$/.exec(path)?.[1]
  if (bodyOf && method === 'GET') {
    const body = record.body(bodyOf)
    if (!body) throw new ApiError(404, 'This body is not kept (any more)')
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  } else if (path === '/_/requests' && method === 'GET') {
    sendJson(response, 200, { requests: record.list() })
  } else if (path === '/_/requests' && method === 'DELETE') {
    record.clear()
    response.writeHead(204).end()
  } else if (path === '/_/usage' && method === 'GET') {
    sendJson(response, 200, record.totals())
  } else throw new ApiError(404)
}

function requireMethod(method: string, required: string): void {
  if (method !== required) throw new ApiError(405)
}

const toApiError = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error
  console.error(error)
  return new ApiError(500)
}
