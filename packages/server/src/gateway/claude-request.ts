// What of the Messages API an attempt may ask for: endpoints, models, headers. Pure; knows nothing of connections.
import type { IncomingHttpHeaders } from 'node:http'
import type { ClaudeKey } from '../claude/keys.ts'
import type { GatewayAttempt } from './attempt.ts'

export type ClaudeEndpoint = 'messages' | 'count_tokens' | 'models'

const ENDPOINTS: Record<string, { name: ClaudeEndpoint; path: string }> = {
  'POST /v1/messages': { name: 'messages', path: '/v1/messages' },
  'POST /v1/messages/count_tokens': { name: 'count_tokens', path: '/v1/messages/count_tokens' },
  'GET /v1/models': { name: 'models', path: '/v1/models' },
}
const QUERY_PARAMETERS = ['beta', 'limit', 'before_id', 'after_id']

/** `path` is rebuilt from known parts: nothing of the client's spelling reaches the upstream's URL. */
export function findEndpoint(
  method: string | undefined,
  target: string,
): { name: ClaudeEndpoint; path: string } | undefined {
  const [path, query] = splitOnce(target, '?')
  const endpoint = ENDPOINTS[`${method} ${path}`]
  if (!endpoint) return undefined
  const asked = new URLSearchParams(query)
  const kept = new URLSearchParams()
  for (const name of QUERY_PARAMETERS) {
    const value = asked.get(name)
    if (value !== null) kept.set(name, value)
  }
  return { name: endpoint.name, path: kept.size > 0 ? `${endpoint.path}?${kept}` : endpoint.path }
}

/** Claude Code asks whether its base URL answers at all; the gateway answers for itself. */
export const isProbe = (method: string | undefined, target: string): boolean =>
  method === 'HEAD' && (target === '/' || target === '/api/hello')

export type BodyVerdict =
  | { ok: true; model: string; stream: boolean }
  | { ok: false; kind: 'malformed' | 'denied'; message: string }

/** Judges a request's body without changing it. */
export function judgeBody(body: Buffer, attempt: GatewayAttempt): BodyVerdict {
  const malformed = (message: string): BodyVerdict => ({ ok: false, kind: 'malformed', message })
  const json = parseObject(body)
  if (!json) return malformed('The body is not a JSON object.')
  if (hasDuplicateKeys(body)) return malformed('The body has a key twice.')
  if (typeof json.model !== 'string' || json.model === '') return malformed('The body names no model.')

  const refused = modelsIn(json).find(model => !isModelAllowed(model, attempt.allowedModels))
  if (refused !== undefined) {
    const message = `This job may not use the model ${JSON.stringify(refused.slice(0, 100))}. Allowed: ${attempt.allowedModels.join(', ')}.`
    return { ok: false, kind: 'denied', message }
  }
  const reach = serverSideReach(json)
  if (reach !== undefined) {
    const message = `FlowForge does not let a job reach the network through the Claude API: ${reach} is refused by policy.`
    return { ok: false, kind: 'denied', message }
  }
  return { ok: true, model: json.model, stream: json.stream === true }
}

/** An entry covers its dated versions: `claude-opus-4-5` allows `claude-opus-4-5-20251101`. Empty = any model. */
export const isModelAllowed = (model: string, allowed: string[]): boolean =>
  allowed.length === 0 ||
  allowed.some(
    entry =>
      model === entry ||
      (model.startsWith(`${entry}-`) && /^(\d{8}|latest)$/.test(model.slice(entry.length + 1))),
  )

type Fields = Record<string, unknown>
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null

/** The request's own model and those of helpers named beside it (advisor tools, fallbacks). */
function modelsIn(json: Fields): string[] {
  const helpers = Object.entries(json)
    .filter(([key]) => key !== 'messages' && key !== 'system')
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter(isObject)
    .map(value => value.model)
  return [json.model, json.fallback_model, ...helpers].filter(model => typeof model === 'string')
}

/** Things the API would fetch or call itself, past the container's missing network and the egress allowlist. */
function serverSideReach(json: Fields): string | undefined {
  if (Array.isArray(json.mcp_servers) && json.mcp_servers.length > 0) return 'mcp_servers'
  const tools = Array.isArray(json.tools) ? json.tools.filter(isObject) : []
  const fetching = tools
    .map(tool => tool.type)
    .find(type => typeof type === 'string' && /^web_fetch/.test(type))
  if (fetching !== undefined) return `the tool ${fetching}`
  return hasUrlSource(json.messages) || hasUrlSource(json.system) ? 'a source of type "url"' : undefined
}

/** Images and documents by URL, wherever content blocks nest (messages → content → tool result → content). */
function hasUrlSource(value: unknown, depth = 0): boolean {
  if (depth > 12) return false
  if (Array.isArray(value)) return value.some(item => hasUrlSource(item, depth + 1))
  if (!isObject(value)) return false
  if (isObject(value.source) && value.source.type === 'url') return true
  return hasUrlSource(value.content, depth + 1) || hasUrlSource(value.source, depth + 1)
}

function parseObject(body: Buffer): Fields | undefined {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'))
    return isObject(json) && !Array.isArray(json) ? json : undefined
  } catch {
    return undefined
  }
}

/**
 * Whether two keys of the outermost object are alike, but for case. Parsers differ in which of two they take, and the
 * body goes on as it came: the upstream could see another model than the one judged here. Expects valid JSON.
 */
function hasDuplicateKeys(body: Buffer): boolean {
  const seen = new Set<string>()
  let depth = 0
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (byte === QUOTE) {
      const end = closingQuote(body, at)
      if (depth === 1 && isKey(body, end)) {
        const key = String(JSON.parse(body.toString('utf8', at, end + 1))).toLowerCase()
        if (seen.has(key)) return true
        seen.add(key)
      }
      at = end
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--
  }
  return false
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** A plain loop: source code is full of escaped quotes, and a native search per quote costs twice as much. */
function closingQuote(body: Buffer, opening: number): number {
  let at = opening + 1
  while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1
  return at
}

function isKey(body: Buffer, closing: number): boolean {
  let next = closing + 1
  while (body[next] === 0x20 || body[next] === 0x09 || body[next] === 0x0a || body[next] === 0x0d) next++
  return body[next] === COLON
}

const FORWARDED_HEADERS = [
  'accept',
  'anthropic-beta',
  'anthropic-version',
  'content-type',
  'user-agent',
  'x-app',
  'x-claude-code-session-id',
]

/** From an allowlist: whatever a client calls its credentials, they are not on it. */
export function upstreamHeaders(
  client: IncomingHttpHeaders,
  key: ClaudeKey,
  body: Buffer | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(client)) {
    if (typeof value !== 'string') continue
    if (FORWARDED_HEADERS.includes(name) || name.startsWith('x-stainless-')) headers[name] = value
  }
  // A compressed answer would have to be unpacked to be counted, and arrives in larger pieces.
  headers['accept-encoding'] = 'identity'
  if (body) headers['content-length'] = String(body.length)
  const keyHeader = (key.headerName ?? 'x-api-key').toLowerCase()
  headers[keyHeader] = keyHeader === 'authorization' ? `Bearer ${key.apiKey}` : key.apiKey
  return headers
}

const WITHHELD_HEADERS = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // About the organization's account, or about where its upstream lives.
  'anthropic-organization-id',
  'location',
  'set-cookie',
  'www-authenticate',
])

/** The upstream's answer headers for the client: not those of the connection, and none that holds the key. */
export function clientHeaders(
  upstream: Record<string, string | string[] | undefined>,
  key: ClaudeKey,
): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(upstream)) {
    if (value === undefined || WITHHELD_HEADERS.has(name)) continue
    if (String(value).includes(key.apiKey)) continue
    kept[name] = value
  }
  return kept
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
