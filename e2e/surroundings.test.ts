// What is missing around FlowForge: Docker, the image, the port, the disk. Each is a sentence and a named reason.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { git, hostRepository, startGitHost, workTree } from '../packages/server/src/git/test-host.ts'
import { startProgram } from '../script/lib/program.ts'
import { hostedRepository } from './repositories.ts'
import { basics, makeDirectory, ROOT, type System, type SystemOptions, startSystem } from './system.ts'

/** One of the test's own; it goes also when the test runs out of time. */
async function systemWith(options: SystemOptions): Promise<System> {
  const system = await startSystem(options)
  onTestFinished(() => system.stop())
  return system
}

it('without Docker: it starts, the doctor says so, and a job ends with that reason', async () => {
  const environment = { DOCKER_HOST: 'unix:///nowhere/docker.sock' }
  const system = await systemWith({ environment })
  const doctor = await system.cli(['doctor', '--json']).finished
  expect(doctor.exitCode).toBe(1)
  expect(doctor.stdout).toContain('/nowhere/docker.sock')
  const { id } = await hostedRepository(system)
  const job = await system.run({ repositoryId: id, task: 'Do it', maxAttempts: 1 })
  expect(job).toMatchObject({ state: 'failed', reason: { code: 'no_capacity' } })
  expect(job.reason!.message).toMatch(/Docker does not answer/)
})

it('without the agent image: a job fails as image_unavailable and says how to make it', async () => {
  const environment = { FLOWFORGE_AGENT_IMAGE: 'flowforge/nowhere:1' }
  const system = await systemWith({ environment })
  const { id } = await hostedRepository(system)
  const job = await system.run({ repositoryId: id, task: 'Do it' })
  expect(job).toMatchObject({ state: 'failed', reason: { code: 'image_unavailable' } })
  expect(job.reason!.message).toContain('flowforge/nowhere:1')
  expect(job.reason!.next).toContain('script/setup')
})

it('with the port taken: one sentence that names another, and exit code 1', async () => {
  const directory = await makeDirectory()
  const neighbour = createServer().listen(0, '127.0.0.1')
  const port = await new Promise<number>(resolve =>
    neighbour.once('listening', () => resolve((neighbour.address() as AddressInfo).port)),
  )
  const up = startProgram({
    command: [join(ROOT, 'flowforge'), 'up'],
    environment: {
      ...basics(directory),
      FLOWFORGE_DATA_DIR: join(directory, 'd'),
      FLOWFORGE_PORT: String(port),
      FLOWFORGE_LOG_LEVEL: 'warn',
    },
    logFile: join(directory, 'up.log'),
  })
  expect(await up.ended).toBe(1)
  const said = up
    .output()
    .trimEnd()
    .split('\n')
    .filter(line => !line.startsWith('{'))
  expect(said).toHaveLength(1)
  expect(said[0]).toMatch(new RegExp(`^flowforge: Port ${port} .* in use\\..*FLOWFORGE_PORT=`))
  neighbour.close()
  await rm(directory, { recursive: true, force: true })
})

it('with a configuration that can not be used: it says which variable, and exit code 64', async () => {
  const directory = await makeDirectory()
  const up = startProgram({
    command: [join(ROOT, 'flowforge'), 'up'],
    environment: { ...basics(directory), FLOWFORGE_PORT: 'many', FLOWFORGE_LEASE_SECONDS: '1' },
    logFile: join(directory, 'up.log'),
  })
  expect(await up.ended).toBe(64)
  expect(up.output()).toMatch(/FLOWFORGE_PORT.*\n.*FLOWFORGE_LEASE_SECONDS/)
  await rm(directory, { recursive: true, force: true })
})

const canMount = process.platform === 'linux' && process.getuid?.() === 0

// Mounting a small disk needs root.
it.skipIf(!canMount)('with a full disk: the job that fills it fails as disk_full, others go on', async () => {
  const hostDirectory = await makeDirectory()
  onTestFinished(() => rm(hostDirectory, { recursive: true, force: true }))
  await using host = await startGitHost({ directory: hostDirectory })
  const { path } = await workTree(hostDirectory, 'tree')
  await writeFile(join(path, 'big.bin'), randomBytes(24 * 1024 * 1024))
  await git(path, '-c', 'core.compression=0', 'add', '--all')
  await git(path, 'commit', '--quiet', '-m', 'Big')
  await hostRepository(hostDirectory, 'big', path)
  let mounted = ''
  const prepare = async (directory: string) => {
    mounted = join(directory, 'd', 'git')
    await mkdir(mounted, { recursive: true, mode: 0o711 })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0711', 'tmpfs', mounted])
  }
  const system = await systemWith({
    environment: { FLOWFORGE_TRUSTED_HOSTS: '127.0.0.1' },
    prepare,
    cleanUp: async () => void execFileSync('umount', [mounted]),
  })
  const { id } = await system.flowforge.repositories.create({ name: 'big', url: host.url('big') })
  const job = await system.run({ repositoryId: id, task: 'Do it', maxAttempts: 1 })
  expect(job).toMatchObject({ state: 'failed', reason: { code: 'disk_full' } })
  const small = await hostedRepository(system)
  const other = await system.run({ repositoryId: small.id, task: 'Write a greeting' })
  expect(other).toMatchObject({ state: 'succeeded' })
})
