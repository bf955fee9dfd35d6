// Git over HTTP between the work tree and a hosted repository. The key travels in git's environment: not in argv, not in
// a URL, not in any config file, and to no other address.
import { CliFailure } from '../failure.ts'
import { git, lastWords } from './git.ts'
import type { WorkTree } from './work-tree.ts'

export interface HostedRemote {
  /** `<server>/git/<organization>/<repository>.git` */
  url: string
  token: string | undefined
  isLoopback: boolean
}

export const hostedUrl = (server: string, organization: string, repository: string): string =>
  `${server}/git/${encodeURIComponent(organization)}/${encodeURIComponent(repository)}.git`

/** GIT_CONFIG_* (git-config, "environment"), behind what the user's own environment sets this way. */
export function remoteEnvironment(
  { url, token, isLoopback }: HostedRemote,
  inherited: Record<string, string | undefined>,
): Record<string, string> {
  const settings: [string, string][] = [
    // The empty value clears the list: no helper is asked, and none stores the key.
    ['credential.helper', ''],
    // A redirect would carry the header to another host.
    ['http.followRedirects', 'false'],
    ...(isLoopback ? ([[`http.${url}.proxy`, '']] as [string, string][]) : []),
    ...(token ? ([[`http.${url}.extraHeader`, authorization(token)]] as [string, string][]) : []),
  ]
  const first = Number(inherited.GIT_CONFIG_COUNT ?? 0) || 0
  const entries = settings.flatMap(([key, value], i) => [
    [`GIT_CONFIG_KEY_${first + i}`, key],
    [`GIT_CONFIG_VALUE_${first + i}`, value],
  ])
  return {
    ...Object.fromEntries(entries),
    GIT_CONFIG_COUNT: String(first + settings.length),
    GIT_ASKPASS: '',
  }
}

const authorization = (token: string): string =>
  `Authorization: Basic ${Buffer.from(`flowforge:${token}`).toString('base64')}`

export type Inherited = Record<string, string | undefined>

/** The hosted branch becomes the same as HEAD, whatever it was: it mirrors this work tree. */
export async function pushHead(
  workTree: WorkTree,
  remote: HostedRemote,
  inherited: Inherited,
): Promise<void> {
  const flags = ['--quiet', '--no-verify', '--no-follow-tags', '--recurse-submodules=no', '--no-signed']
  const refspec = `+${workTree.head}:refs/heads/${workTree.branch}`
  const { exitCode, stderr } = await git(
    workTree.path,
    ['push', ...flags, '--', remote.url, refspec],
    remoteEnvironment(remote, inherited),
  )
  if (exitCode !== 0) throw pushFailure(workTree, remote, stderr)
}

function pushFailure(workTree: WorkTree, remote: HostedRemote, stderr: string): CliFailure {
  if (workTree.isShallow && stderr.includes('shallow')) {
    return new CliFailure('This work tree is a shallow clone, which can not be pushed.', {
      next: 'Fetch its whole history first: git fetch --unshallow',
    })
  }
  return new CliFailure(`The push to ${remote.url} failed: ${lastWords(stderr)}`)
}

/** Commit by ref name; empty for a repository without commits. */
export async function listHeads(
  cwd: string,
  remote: HostedRemote,
  inherited: Inherited,
): Promise<Map<string, string>> {
  const { exitCode, stdout, stderr } = await git(
    cwd,
    ['ls-remote', '--heads', '--', remote.url],
    remoteEnvironment(remote, inherited),
  )
  if (exitCode !== 0) throw new CliFailure(`${remote.url} can not be read: ${lastWords(stderr)}`)
  const lines = stdout.split('\n').filter(line => line.includes('\t'))
  return new Map(lines.map(line => [line.split('\t')[1]!, line.split('\t')[0]!]))
}
