// Reads what people give as the address of a repository: http(s), ssh, and git@host:path. Everything else that Git would take
// (ext::, file://, local paths, options) is refused here, with a sentence that says what to give instead.
import { FlowForgeError } from '../errors.ts'

export interface RepositoryUrl {
  kind: 'https' | 'http' | 'ssh'
  /** Normalised, without credentials. */
  url: string
  /** Lower case; IPv6 without brackets. */
  host: string
  port: number
  /** Taken out of the URL so that it can be kept as a credential. */
  embeddedCredential?: { type: 'token'; username?: string; token: string }
}

const MAX_LENGTH = 2048
const HOST =
  /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\])$/
const SSH_USER = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/
const SCP_LIKE = /^([^@/:]+)@(\[[^\]]+\]|[^@/:]+):(.*)$/
const DEFAULT_PORTS = { https: 443, http: 80, ssh: 22 } as const
/** A user name without password is a token when it looks like one; Bitbucket's addresses carry the plain user name. */
const TOKEN_LIKE = /^(?:gh[a-z]_|github_pat_|glpat-|gl[a-z]+-)|^[A-Za-z0-9_-]{32,}$/

export function parseRepositoryUrl(text: string): RepositoryUrl {
  const trimmed = text.trim()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\x00-\x20\x7f]/.test(trimmed))
    throw invalid('A Git URL has no spaces, line ends or control characters.')
  if (trimmed === '') throw invalid('The Git URL is empty.')
  if (trimmed.length > MAX_LENGTH) throw invalid(`A Git URL has at most ${MAX_LENGTH} characters.`)
  if (trimmed.startsWith('-')) throw invalid('A Git URL does not begin with "-".')
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/|:)/.exec(trimmed)?.[1]?.toLowerCase()
  if (scheme !== undefined && trimmed.slice(scheme.length).startsWith('::')) throw unknownTransport(scheme)
  if (scheme === 'https' || scheme === 'http') return parseHttp(trimmed, scheme)
  if (scheme === 'ssh') return parseSsh(trimmed)
  if (scheme !== undefined) throw unknownTransport(scheme)
  const scp = SCP_LIKE.exec(trimmed)
  if (scp === null) {
    throw invalid(
      'This is not a Git URL. Give https://host/path, ssh://git@host/path or git@host:path; a repository on this machine is pushed with `flowforge repo push`.',
    )
  }
  return parseScpLike(scp[1]!, scp[2]!, scp[3]!)
}

function parseHttp(text: string, kind: 'https' | 'http'): RepositoryUrl {
  const url = parseUrl(text)
  const host = checkedHost(url.hostname)
  const path = checkedPath(url)
  const port = url.port === '' ? DEFAULT_PORTS[kind] : Number(url.port)
  const embedded = embeddedCredential(url)
  return {
    kind,
    url: `${kind}://${host}${url.port === '' ? '' : `:${url.port}`}${path}`,
    host: unbracketed(host),
    port,
    ...(embedded === undefined ? {} : { embeddedCredential: embedded }),
  }
}

function parseSsh(text: string): RepositoryUrl {
  const url = parseUrl(text)
  if (url.password !== '')
    throw invalid('An ssh URL carries no password. Give the private key as the credential.')
  const user = checkedUser(url.username === '' ? 'git' : url.username)
  const host = checkedHost(url.hostname)
  const port = url.port === '' ? DEFAULT_PORTS.ssh : Number(url.port)
  const suffix = url.port === '' || port === DEFAULT_PORTS.ssh ? '' : `:${port}`
  return {
    kind: 'ssh',
    url: `ssh://${user}@${host}${suffix}${checkedPath(url)}`,
    host: unbracketed(host),
    port,
  }
}

/** Kept in its form: its path is relative to the user's home, which ssh:// can not say to every server. */
function parseScpLike(user: string, hostText: string, path: string): RepositoryUrl {
  const host = checkedHost(hostText)
  if (path === '' || path === '/' || path.startsWith('-'))
    throw invalid('The Git URL names a host but no repository.')
  return {
    kind: 'ssh',
    url: `${checkedUser(user)}@${host}:${path}`,
    host: unbracketed(host),
    port: DEFAULT_PORTS.ssh,
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw invalid('The Git URL can not be read.')
  if (url.port === '0') throw invalid('The port of the Git URL can not be 0.')
  return url
}

function checkedHost(text: string): string {
  const host = text.toLowerCase().replace(/\.$/, '')
  if (!HOST.test(host) || host.length > 253) throw invalid('The Git URL has no valid host name.')
  return host
}

function checkedUser(user: string): string {
  if (!SSH_USER.test(user)) throw invalid('The user name in the Git URL can not be used.')
  return user
}

function checkedPath(url: URL): string {
  if (url.search !== '' || url.hash !== '') throw invalid('A Git URL has no "?" or "#" part.')
  if (url.pathname.replaceAll('/', '') === '') throw invalid('The Git URL names a host but no repository.')
  return url.pathname.replace(/\/+$/, '')
}

function embeddedCredential(url: URL): RepositoryUrl['embeddedCredential'] {
  const [username, password] = [decoded(url.username), decoded(url.password)]
  if (password !== '') return { type: 'token', ...(username === '' ? {} : { username }), token: password }
  return TOKEN_LIKE.test(username) ? { type: 'token', token: username } : undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('The user name or password in the Git URL can not be read.')
  }
}

const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, '')

const unknownTransport = (scheme: string): FlowForgeError =>
  invalid(`FlowForge does not fetch over "${scheme}". Give an https:// or ssh:// URL, or git@host:path.`)

const invalid = (message: string): FlowForgeError => new FlowForgeError('repository_url_invalid', message)
