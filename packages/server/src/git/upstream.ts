// Talks to a repository's upstream: checks the address and pins it, lends Git the credential through the environment of that one
// process, follows a moved repository, and says in FlowForge's words what went wrong. The only file that knows credentials.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { FlowForgeError } from '../errors.ts'
import { checkAddress, isTrusted, type Lookup } from './address.ts'
import type { GitSettings } from './environment.ts'
import { isRedirect, remoteFailure } from './failures.ts'
import { findRedirect } from './redirects.ts'
import type { GitOptions } from './run.ts'
import { knownHostsFile, openSsh } from './ssh.ts'
import { parseRepositoryUrl, type RepositoryUrl } from './url.ts'

export type GitCredential =
  | { type: 'token'; username?: string | undefined; token: string }
  | { type: 'ssh'; privateKey: string }

export interface Upstream {
  url: string
  credential: GitCredential | null
}

/** What a Git command needs to reach the upstream; for `runGit`. */
export interface UpstreamSession {
  url: string
  options: Pick<GitOptions, 'settings' | 'variables' | 'secrets'>
}

export interface UpstreamNetwork {
  /** For known_hosts and short-lived keys. */
  directory: string
  trustedHosts: readonly string[]
  /** PEM file of certificate authorities to trust instead of the system's. */
  caFile?: string | undefined
  lookup?: Lookup | undefined
}

interface OpenSession extends UpstreamSession {
  parsed: RepositoryUrl
  addresses: string[]
  authorization: string | null
  close(): Promise<void>
}

/** GitHub, GitLab and Gitea take any user name beside a token. */
const DEFAULT_USERNAME = 'x-access-token'
const MAX_REDIRECTS = 3

export function createUpstreams(network: UpstreamNetwork) {
  const directory = join(network.directory, 'ssh')
  /** Where a moved repository was found, so that only its first use pays for the search. */
  const moved = new Map<string, string>()

  async function withUpstream<T>(
    upstream: Upstream,
    act: (session: UpstreamSession) => Promise<T>,
  ): Promise<T> {
    let target = redirected(upstream, moved.get(upstream.url))
    try {
      for (let hops = 0; ; hops++) {
        const outcome = await attempt(target, act, hops < MAX_REDIRECTS)
        if (outcome.movedTo === null) {
          if (hops > 0) moved.set(upstream.url, target.url)
          return outcome.value
        }
        target = redirected(target, outcome.movedTo)
      }
    } catch (error) {
      moved.delete(upstream.url)
      throw error
    }
  }

  async function attempt<T>(
    target: Upstream,
    act: (session: UpstreamSession) => Promise<T>,
    mayFollow: boolean,
  ): Promise<{ movedTo: null; value: T } | { movedTo: string }> {
    const session = await open(target)
    try {
      return { movedTo: null, value: await act(session) }
    } catch (error) {
      const { host } = session.parsed
      const movedTo =
        mayFollow && isRedirect(error) ? await findRedirect({ ...session, ...caOf(network) }) : null
      if (movedTo !== null) return { movedTo }
      const hasCredential = target.credential !== null
      throw remoteFailure(error, { host, hasCredential, knownHostsFile: knownHostsFile(directory) })
    } finally {
      await session.close()
    }
  }

  async function open({ url, credential }: Upstream): Promise<OpenSession> {
    const parsed = parseRepositoryUrl(url)
    const { trustedHosts, lookup } = network
    const { host, port } = parsed
    const addresses = await checkAddress({ host, port, trustedHosts, ...(lookup ? { lookup } : {}) })
    return parsed.kind === 'ssh'
      ? openSshSession(parsed, addresses, credential)
      : openHttp(parsed, addresses, credential)
  }

  async function openSshSession(
    parsed: RepositoryUrl,
    addresses: string[],
    credential: GitCredential | null,
  ) {
    if (credential?.type === 'token')
      throw new FlowForgeError('git_auth', 'An ssh URL needs a credential of type "ssh".')
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const { host, port } = parsed
    const privateKey = credential?.privateKey ?? null
    const ssh = await openSsh(directory, { host, port, address: addresses[0]!, privateKey })
    const options = { variables: ssh.variables }
    return { url: parsed.url, parsed, addresses, authorization: null, options, close: ssh.close }
  }

  function openHttp(
    parsed: RepositoryUrl,
    addresses: string[],
    credential: GitCredential | null,
  ): OpenSession {
    if (credential?.type === 'ssh')
      throw new FlowForgeError('git_auth', 'An http(s) URL needs a credential of type "token".')
    if (parsed.kind === 'http' && credential !== null) refuseClearText(parsed, network.trustedHosts)
    const authorization = credential === null ? null : basic(credential)
    const secrets = credential === null ? [] : [credential.token, authorization!.slice('Basic '.length)]
    const settings = httpSettings(parsed, addresses, authorization, network.caFile)
    return {
      url: parsed.url,
      parsed,
      addresses,
      authorization,
      options: { settings, secrets },
      close: async () => {},
    }
  }

  return { withUpstream }
}
export type Upstreams = ReturnType<typeof createUpstreams>

/** Redirects are never followed by Git itself: the new host would be dialled unchecked, and the header would go along. */
function httpSettings(
  { url, host, port }: RepositoryUrl,
  addresses: string[],
  authorization: string | null,
  caFile: string | undefined,
): GitSettings {
  const dialled = addresses.map(address => (address.includes(':') ? `[${address}]` : address)).join(',')
  const settings: [string, string][] = [
    ['http.followRedirects', 'false'],
    // A transfer in which nothing arrives for a minute is dead; slow ones may go on.
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', '60'],
  ]
  if (!host.includes(':')) settings.push(['http.curloptResolve', `${host}:${port}:${dialled}`])
  if (authorization !== null)
    settings.push([`http.${new URL(url).origin}/.extraHeader`, `Authorization: ${authorization}`])
  if (caFile !== undefined) settings.push(['http.sslCAInfo', caFile])
  return settings
}

function basic({ username, token }: Extract<GitCredential, { type: 'token' }>): string {
  return `Basic ${Buffer.from(`${username || DEFAULT_USERNAME}:${token}`).toString('base64')}`
}

function refuseClearText({ host, port }: RepositoryUrl, trustedHosts: readonly string[]): void {
  if (isTrusted(host, port, trustedHosts)) return
  const message = `The token would cross the network unencrypted. Use https:// or add ${host} to FLOWFORGE_TRUSTED_HOSTS.`
  throw new FlowForgeError('repository_url_invalid', message)
}

/** The credential stays with its host: it goes along to the same host name only, and never from https to http. */
function redirected(upstream: Upstream, url: string | undefined): Upstream {
  if (url === undefined) return upstream
  const [from, to] = [parseRepositoryUrl(upstream.url), parseRepositoryUrl(url)]
  const kept =
    from.host === to.host && (to.kind === 'https' || (from.kind === to.kind && from.port === to.port))
  return { url: to.url, credential: kept ? upstream.credential : null }
}

const caOf = ({ caFile }: UpstreamNetwork) => (caFile === undefined ? {} : { caFile })
