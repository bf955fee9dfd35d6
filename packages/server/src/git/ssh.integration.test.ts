// An upstream over ssh, with a real sshd on loopback.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createMirrors } from './mirrors.ts'
import { git, hostRepository, temporaryDirectory, workTree } from './test-host.ts'

vi.setConfig({ testTimeout: 30_000 })

const SSHD = '/usr/sbin/sshd'
const missing = !existsSync(SSHD)

async function run(command: string, args: string[]): Promise<void> {
  const child = spawn(command, args, { stdio: 'ignore' })
  const code = await new Promise(resolve => child.once('exit', resolve))
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

const answers = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('data', () => resolve(true)).once('error', () => resolve(false))
    socket.once('data', () => socket.destroy())
  })

async function startSshd(directory: string, port: number) {
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${directory}/host_key`,
    `AuthorizedKeysFile ${directory}/authorized_keys`,
    `PidFile ${directory}/sshd.pid`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin yes',
  ]
  await writeFile(join(directory, 'sshd_config'), `${lines.join('\n')}\n`)
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true })
  const child = spawn(SSHD, ['-D', '-e', '-f', join(directory, 'sshd_config')], { stdio: 'ignore' })
  await expect.poll(() => answers(port), { timeout: 10_000 }).toBe(true)
  return {
    async stop() {
      child.kill()
      await new Promise(resolve => child.once('exit', resolve))
    },
  }
}

async function setUp() {
  const temporary = await temporaryDirectory()
  const work = await workTree(temporary.path)
  const upstream = await hostRepository(temporary.path, 'sample', work.path)
  const key = (name: string) =>
    run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(temporary.path, name)])
  await Promise.all(['host_key', 'user_key', 'other_key'].map(key))
  await writeFile(
    join(temporary.path, 'authorized_keys'),
    await readFile(join(temporary.path, 'user_key.pub')),
  )
  const port = await freePort()
  const sshd = await startSshd(temporary.path, port)
  const directory = join(temporary.path, 'mirrors with a space')
  const mirrors = createMirrors({
    directory,
    trustedHosts: ['127.0.0.1', 'git.example.test'],
    lookup: async () => ['127.0.0.1'],
  })
  const credential = async (name: string) => ({
    type: 'ssh' as const,
    privateKey: await readFile(join(temporary.path, name), 'utf8'),
  })
  const url = `ssh://${userInfo().username}@git.example.test:${port}${upstream}`
  return {
    temporary,
    directory,
    work,
    upstream,
    mirrors,
    url,
    credential,
    sshd,
    port,
    async [Symbol.asyncDispose]() {
      await sshd.stop()
      await temporary[Symbol.asyncDispose]()
    },
  }
}

test.skipIf(missing)(
  'an upstream is fetched and pushed to with a key, of which nothing is left (needs openssh-server)',
  async () => {
    await using it = await setUp()
    const { privateKey } = await it.credential('user_key')
    const repository = {
      id: 'repo1',
      url: it.url,
      credential: { type: 'ssh' as const, privateKey: privateKey.trimEnd().replaceAll('\n', '\r\n') },
    }
    await it.mirrors.update(repository)
    expect(await it.mirrors.resolveBranch('repo1', null)).toEqual({ branch: 'main', commit: it.work.commit })
    expect(
      await it.mirrors.publish({ repository, branch: 'job/1', commit: it.work.commit, expected: null }),
    ).toBe('published')
    expect(await git(it.upstream, 'rev-parse', 'job/1')).toBe(it.work.commit)
    expect(await readdir(join(it.directory, 'ssh'))).toEqual(['known_hosts'])
    expect(await readFile(join(it.directory, 'ssh', 'known_hosts'), 'utf8')).toContain(
      `[git.example.test]:${it.port} ssh-ed25519`,
    )
  },
)

test.skipIf(missing)(
  'a missing, wrong or unreadable key is a refused credential (needs openssh-server)',
  async () => {
    await using it = await setUp()
    const update = (credential: Parameters<typeof it.mirrors.update>[0]['credential']) =>
      it.mirrors.update({ id: 'repo1', url: it.url, credential })
    await expect(update(null)).rejects.toMatchObject({
      code: 'git_auth',
      message: expect.stringContaining('asks for an ssh key'),
    })
    await expect(update(await it.credential('other_key'))).rejects.toMatchObject({
      code: 'git_auth',
      message: expect.stringContaining('refused the ssh key'),
    })
    await expect(update({ type: 'ssh', privateKey: 'no key' })).rejects.toMatchObject({ code: 'git_auth' })
    await expect(update({ type: 'token', token: 'x' })).rejects.toMatchObject({ code: 'git_auth' })
  },
)

test.skipIf(missing)('another host key than before is refused (needs openssh-server)', async () => {
  await using it = await setUp()
  const repository = { id: 'repo1', url: it.url, credential: await it.credential('user_key') }
  await it.mirrors.update(repository)
  const file = join(it.directory, 'ssh', 'known_hosts')
  const other = await readFile(join(it.temporary.path, 'other_key.pub'), 'utf8')
  await writeFile(file, `[git.example.test]:${it.port} ${other}`)
  await expect(it.mirrors.update(repository)).rejects.toMatchObject({
    code: 'git_unreachable',
    message: expect.stringContaining('host key'),
  })
})

test.skipIf(missing)('keys of a process that was killed are removed (needs openssh-server)', async () => {
  await using it = await setUp()
  const left = spawn('true')
  await new Promise(resolve => left.once('exit', resolve))
  await mkdir(join(it.directory, 'ssh', `ssh-${left.pid}-abc`), { recursive: true })
  await it.mirrors.update({ id: 'repo1', url: it.url, credential: await it.credential('user_key') })
  expect(await readdir(join(it.directory, 'ssh'))).toEqual(['known_hosts'])
})
