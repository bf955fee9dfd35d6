// What an ssh upstream needs on disk while Git talks to it: a configuration that pins the checked address, and the private key.
// Both live in a directory of their own, readable by this user alone, for as long as the one command runs.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface SshSession {
  variables: Record<string, string>
  close(): Promise<void>
}

export interface SshTarget {
  host: string
  port: number
  /** The checked address; ssh dials it and nothing else. */
  address: string
  privateKey: string | null
}

const PREFIX = 'ssh-'

/** `directory` holds known_hosts for good and the keys for moments. */
export async function openSsh(directory: string, target: SshTarget): Promise<SshSession> {
  await removeAbandoned(directory)
  const session = await mkdtemp(join(directory, `${PREFIX}${process.pid}-`))
  const close = () => rm(session, { recursive: true, force: true })
  try {
    const keyFile = join(session, 'key')
    if (target.privateKey !== null)
      await writeFile(keyFile, normalisedKey(target.privateKey), { mode: 0o600 })
    const configFile = join(session, 'config')
    const identity = target.privateKey === null ? 'none' : quoted(keyFile)
    await writeFile(configFile, configuration(target, identity, quoted(knownHostsFile(directory))), {
      mode: 0o600,
    })
    return {
      variables: { GIT_SSH_COMMAND: `ssh -F ${shellQuoted(configFile)}`, GIT_SSH_VARIANT: 'ssh' },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

export const knownHostsFile = (directory: string): string => join(directory, 'known_hosts')

function configuration({ host, port, address }: SshTarget, identity: string, knownHosts: string): string {
  const options = {
    Hostname: address,
    HostKeyAlias: port === 22 ? host : `[${host}]:${port}`,
    BatchMode: 'yes',
    IdentityFile: identity,
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'accept-new',
    UpdateHostKeys: 'no',
    ClearAllForwardings: 'yes',
    ConnectTimeout: '15',
    ServerAliveInterval: '15',
    ServerAliveCountMax: '4',
    LogLevel: 'ERROR',
  }
  const lines = Object.entries(options).map(([key, value]) => `  ${key} ${value}`)
  return ['Host *', ...lines, ''].join('\n')
}

/** OpenSSH reads no key without a last line end, and none with the line ends of Windows. */
const normalisedKey = (text: string): string => `${text.replaceAll('\r\n', '\n').trim()}\n`

/** ssh expands `%` in file names. */
const quoted = (path: string): string => `"${path.replaceAll('%', '%%')}"`

/** Git hands GIT_SSH_COMMAND to a shell. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** A process that was killed could not remove its key. */
async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(directory, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
