// A Docker daemon of a test's own, beside the machine's: it can be stopped, killed and started without harm to anybody.
import { execFile, spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Program, startProgram } from '../../script/lib/program.ts'
import { makeDirectory, ROOT } from '../system.ts'

export interface DockerDaemon {
  /** For DOCKER_HOST. */
  host: string
  /** With live restore containers go on while the daemon is away. */
  start(options: { liveRestore: boolean }): Promise<void>
  stop(): Promise<void>
  close(): Promise<void>
}

const START_LIMIT_MS = 30_000

/**
 * Without networks, and in a network namespace of its own: a daemon that is told to have no bridge removes `docker0`, which
 * is the other daemon's. Jobs have no network anyway.
 */
export async function createDockerDaemon(): Promise<DockerDaemon> {
  const directory = await makeDirectory()
  const host = `unix://${directory}/s`
  let program: Program | undefined
  let starts = 0
  const answers = () =>
    docker(host, 'version').then(
      () => true,
      () => false,
    )
  return {
    host,
    start: async ({ liveRestore }) => {
      starts += 1
      program = startProgram({
        command: [
          'unshare',
          '--net',
          'dockerd',
          `--host=${host}`,
          `--data-root=${directory}/data`,
          `--exec-root=${directory}/exec`,
          `--pidfile=${directory}/pid`,
          '--bridge=none',
          '--iptables=false',
          '--shutdown-timeout=3',
          ...(liveRestore ? ['--live-restore'] : []),
        ],
        environment: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
        logFile: join(directory, `dockerd-${starts}.log`),
      })
      const until = performance.now() + START_LIMIT_MS
      while (!(await answers())) {
        if (program.hasEnded() || performance.now() > until)
          throw new Error(`dockerd does not answer:\n${program.output().slice(-3000)}`)
        await delay(50)
      }
    },
    stop: async () => void (await program?.stop()),
    close: async () => {
      if (program?.hasEnded() === false) {
        await removeContainers(host)
        await program.stop()
      }
      // The daemon mounts its own folder, and leaves it so.
      await promisify(execFile)('umount', ['--lazy', `${directory}/data`]).catch(() => {})
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** With live restore they would go on without any daemon. */
async function removeContainers(host: string): Promise<void> {
  const { stdout } = await docker(host, 'ps', '--all', '--quiet')
  const ids = stdout.split('\n').filter(Boolean)
  if (ids.length > 0) await docker(host, 'rm', '--force', '--volumes', ...ids)
}

const docker = (host: string, ...args: string[]) =>
  promisify(execFile)('docker', ['--host', host, ...args], { maxBuffer: 16 * 1024 ** 2 })

/** Gives it an image of the machine's own daemon. */
export async function copyImage(host: string, image: string): Promise<void> {
  const save = spawn('docker', ['save', image], { stdio: ['ignore', 'pipe', 'inherit'] })
  const load = spawn('docker', ['--host', host, 'load'], { stdio: [save.stdout, 'ignore', 'inherit'] })
  const code = await new Promise(resolve => load.once('exit', resolve))
  if (code !== 0) throw new Error(`the image ${image} could not be copied`)
}

export const agentImage = async (): Promise<string> =>
  (await readFile(join(ROOT, '.cache/agent-image'), 'utf8')).trim()
