// Set-up that the tests on a real Docker share: an image, a folder, an installation of their own.
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import Docker from 'dockerode'
import { type Act, newAttemptId } from '../contract.ts'
import type { ContainerSpec, Executor } from '../port.ts'
import { RELAY_PORT } from '../relay-profile.ts'
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
  /** One whose containers reach the gateway over the network; relays are of busybox, too. */
  newNetworkExecutor(changes?: Partial<DockerExecutorOptions>): Executor
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
  const newExecutor = (changes?: Partial<DockerExecutorOptions>) =>
    createDockerExecutor({ installationId, docker, workspaceRoot, image, log, ...changes })
  return {
    docker,
    image,
    folder,
    workspaceRoot,
    installationId,
    newExecutor,
    newNetworkExecutor: changes =>
      newExecutor({
        network: { image: async () => image, command: busyboxRelay, acceptOldEngine: true },
        ...changes,
      }),
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

const busyboxRelay = (host: string, port: number): string[] => [
  'nc',
  '-ll',
  '-p',
  String(RELAY_PORT),
  '-e',
  'nc',
  host,
  String(port),
]

/** The acts of the executors' contract. */
export const scriptOf = (act: Act): string => {
  switch (act.act) {
    case 'sleep':
      return 'exec sleep 600'
    case 'exit':
      return `exit ${act.code}`
    case 'ignore-term':
      return "trap '' TERM; echo ignoring; while true; do sleep 600; done"
    case 'print':
      return `echo '${act.text}'; exec sleep 600`
    case 'print-variable':
      return `echo "$${act.name}"; exec sleep 600`
    case 'write':
      return `echo '${act.text}' > /workspace/left; sync; echo written; exec sleep 600`
    case 'read':
      return 'cat /workspace/left; exec sleep 600'
    case 'use-too-much-memory':
      return 'exec tail /dev/zero'
  }
}

/** The files behind this machine's loop devices. */
export const backingFiles = async (): Promise<string[]> => {
  const devices = (await readdir('/sys/block')).filter(name => name.startsWith('loop'))
  const files = devices.map(name => readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => ''))
  return (await Promise.all(files)).map(file => file.trim()).filter(Boolean)
}
