// Set-up that the tests on a real Docker share: an image, a folder, an installation of their own.
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import Docker from 'dockerode'
import { newAttemptId } from '../contract.ts'
import type { ContainerSpec, Executor } from '../port.ts'
import { createDockerExecutor, type DockerExecutorOptions } from './executor.ts'
import { ensureTestImage } from './test-image.ts'

export const MIB = 1024 * 1024

export interface DockerTestBed {
  docker: Docker
  image: string
  /** Also the gateway directory of the specs. */
  folder: string
  workspaceRoot: string
  installationId: string
  newExecutor(changes?: Partial<DockerExecutorOptions>): Executor
  /** A container that runs this shell script. */
  specOf(script: string, changes?: Partial<ContainerSpec>): ContainerSpec
  /** Files that this attempt has on disk. */
  workspaceFiles(attemptId: string): Promise<string[]>
  stopAll(executor: Executor): Promise<void>
  /** Fails when a loop device was left behind. */
  close(): Promise<void>
}

export const createDockerTestBed = async (): Promise<DockerTestBed> => {
  const docker = new Docker()
  const image = await ensureTestImage(docker)
  const folder = await mkdtemp('/tmp/flowforge-docker-')
  await chmod(folder, 0o711)
  const workspaceRoot = path.join(folder, 'workspaces')
  const installationId = `test${randomBytes(4).toString('hex')}`
  const log = { info: () => {}, warn: () => {} }
  return {
    docker,
    image,
    folder,
    workspaceRoot,
    installationId,
    newExecutor: changes =>
      createDockerExecutor({ installationId, docker, workspaceRoot, image, log, ...changes }),
    specOf: (script, changes) => ({
      attemptId: newAttemptId(),
      phase: 'agent',
      image,
      command: ['sh', '-c', script],
      environment: {},
      gateway: { kind: 'socket', directory: folder },
      workspaceBytes: 64 * MIB,
      memoryBytes: 64 * MIB,
      cpus: 1,
      ...changes,
    }),
    workspaceFiles: async attemptId =>
      (await readdir(workspaceRoot)).filter(file => file.includes(attemptId)),
    stopAll: async executor => {
      for (const handle of await executor.list()) await executor.stop(handle, { graceMs: 0 })
    },
    close: async () => {
      const left = (await backingFiles()).filter(file => file.startsWith(folder))
      await rm(folder, { recursive: true, force: true })
      if (left.length > 0) throw new Error(`loop devices were left behind: ${left.join(', ')}`)
    },
  }
}

/** The files behind this machine's loop devices. */
export const backingFiles = async (): Promise<string[]> => {
  const devices = (await readdir('/sys/block')).filter(name => name.startsWith('loop'))
  const files = devices.map(name => readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => ''))
  return (await Promise.all(files)).map(file => file.trim()).filter(Boolean)
}
