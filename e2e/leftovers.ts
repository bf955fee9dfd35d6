// What a FlowForge has left on this machine after its end: nothing, if all is well.
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { backingFiles } from '../packages/server/src/executors/docker/testing.ts'

/** Everything that mentions the system's directory: containers, volumes, loop devices, mounts, processes. */
export async function leftovers(directory: string): Promise<string[]> {
  const found = await Promise.all([
    containers(directory),
    volumes(directory),
    backingFiles().then(files =>
      files.filter(file => file.startsWith(directory)).map(file => `loop ${file}`),
    ),
    mounts(directory),
    processes(directory),
  ])
  return found.flat()
}

export async function containers(directory: string): Promise<string[]> {
  return (await containersOf(directory)).map(({ Id, State }) => `container ${Id.slice(0, 12)} (${State})`)
}

const containersOf = async (directory: string) =>
  (await new Docker().listContainers({ all: true })).filter(({ Mounts }) =>
    Mounts.some(({ Source }) => Source?.startsWith(directory)),
  )

/** After a test that failed: what it left is told, and does not stay. */
export async function removeContainers(directory: string): Promise<void> {
  for (const { Id } of await containersOf(directory))
    await new Docker().getContainer(Id).remove({ force: true, v: true })
}

async function volumes(directory: string): Promise<string[]> {
  const { Volumes } = await new Docker().listVolumes()
  return (Volumes ?? [])
    .filter(({ Options }) => Options?.device?.startsWith(directory))
    .map(({ Name }) => `volume ${Name}`)
}

async function mounts(directory: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8').catch(() => '')).split('\n')
  return lines.filter(line => line.includes(directory)).map(line => `mount ${line}`)
}

async function processes(directory: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
  const found = await Promise.all(
    ids.map(async id => {
      const read = (file: string) => readFile(`/proc/${id}/${file}`, 'utf8').catch(() => '')
      const [command, environment] = await Promise.all([read('cmdline'), read('environ')])
      if (!command.includes(directory) && !environment.includes(directory)) return []
      return [`process ${id} ${command.replaceAll('\0', ' ').slice(0, 120)}`]
    }),
  )
  return found.flat()
}

/** Files below a folder that hold these bytes; what may not be read is passed over. */
export async function filesHolding(folder: string, text: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('grep', ['-rlF', '--', text, folder]).catch(
    (error: { stdout: string }) => error,
  )
  return stdout.split('\n').filter(Boolean)
}
