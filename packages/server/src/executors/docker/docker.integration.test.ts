import { utimes, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import path from 'node:path'
import { pipeline } from 'node:stream'
import Docker from 'dockerode'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { describeExecutorContract, newAttemptId } from '../contract.ts'
import type { ContainerHandle, ContainerSpec } from '../port.ts'
import { containerOptions, type Sandbox } from '../profile.ts'
import { backingFiles, createDockerTestBed, MIB, scriptOf } from './testing.ts'
import { loopWorkspaces } from './workspaces.ts'

// A loaded machine may take seconds for a start.
vi.setConfig({ testTimeout: 30_000 })

const bed = await createDockerTestBed()
const { docker, folder, installationId, specOf, workspaceRoot } = bed
const never = new AbortController().signal
afterAll(() => bed.close())

describeExecutorContract('docker', async () => ({
  executor: bed.newExecutor(),
  otherWorker: bed.newExecutor(),
  spec: act => specOf(scriptOf(act)),
  specWithoutImage: () => specOf('true', { image: 'flowforge-test/missing:1' }),
  removeByHand: async handle => docker.getContainer(handle.id).remove({ force: true }),
}))

describe('what can go wrong around Docker', () => {
  const executor = bed.newExecutor({ abandonedAfterMs: 200 })
  afterEach(() => bed.stopAll(executor))
  /** As if it had been made long ago. */
  const age = async (attemptId: string) => {
    const files = await bed.workspaceFiles(attemptId)
    for (const file of files) await utimes(path.join(folder, 'workspaces', file), 0, 0).catch(() => {})
  }

  it('removes the workspace, loop device and volume of a container that somebody removed by hand', async () => {
    const spec = specOf('exec sleep 600')
    const handle = await executor.start(spec)
    await docker.getContainer(handle.id).remove({ force: true })
    await age(spec.attemptId)
    await executor.sweep()
    expect(await bed.workspaceFiles(spec.attemptId)).toEqual([])
    const filters = { label: [`flowforge.attempt=${spec.attemptId}`] }
    expect((await docker.listVolumes({ filters })).Volumes ?? []).toEqual([])
  })

  it('sweeps the workspace of a worker that died before its container was made', async () => {
    const attemptId = newAttemptId()
    const dead = loopWorkspaces({ root: workspaceRoot, abandonedAfterMs: 0 })
    await (await dead.prepare(`flowforge-x-${attemptId}-agent`, 16 * MIB)).commit()
    expect((await backingFiles()).some(file => file.includes(attemptId))).toBe(true)
    await age(attemptId)
    await executor.sweep()
    expect(await bed.workspaceFiles(attemptId)).toEqual([])
    expect((await backingFiles()).some(file => file.includes(attemptId))).toBe(false)
  })

  it('replaces a container that was made but never started by a worker that died', async () => {
    const spec = specOf('exec sleep 600')
    const name = `flowforge-${installationId.slice(-8)}-${spec.attemptId}-agent`
    const sandbox: Sandbox = { installationId, name, spec, workspace: { driverOptions: {} } }
    const { id } = await docker.createContainer(containerOptions(sandbox))
    expect(await executor.inspect(handleOf(id, spec))).toMatchObject({ state: 'exited', exitCode: 125 })
    const handle = await executor.start(spec)
    expect(handle.id).not.toBe(id)
    expect(await executor.inspect(handle)).toEqual({ state: 'running' })
  })

  it('finds the container of an attempt also when its image has gone meanwhile', async () => {
    const [repo, tag] = ['flowforge-test/passing', installationId]
    await docker.getImage(bed.image).tag({ repo, tag })
    const spec = specOf('exec sleep 600', { image: `${repo}:${tag}` })
    const first = await executor.start(spec)
    await docker.getImage(`${repo}:${tag}`).remove()
    expect(await executor.start(spec)).toEqual(first)
    expect(await executor.inspect(first)).toEqual({ state: 'running' })
  })

  it('leaves the containers of other installations alone', async () => {
    const other = bed.newExecutor({ installationId: `other-${installationId}x` })
    const handle = await other.start(specOf('exec sleep 600'))
    expect(await executor.list()).toEqual([])
    await executor.sweep()
    expect(await other.inspect(handle)).toEqual({ state: 'running' })
    await other.stop(handle, { graceMs: 0 })
  })

  it('says why an image that lacks its program ended', async () => {
    const handle = await executor.start(specOf('', { command: ['/no/such/program'] }))
    expect(await executor.exited(handle, never)).toMatchObject({ state: 'exited', exitCode: 127 })
    expect(await executor.logs(handle, 1000)).toMatch(/\/no\/such\/program.*No such file/)
  })

  it('leaves nothing behind when the workspace can not be made', async () => {
    const spec = specOf('true', { workspaceBytes: 1024 })
    await expect(executor.start(spec)).rejects.toMatchObject({ code: 'no_capacity' })
    expect(await executor.list()).toEqual([])
    expect(await bed.workspaceFiles(spec.attemptId)).toEqual([])
  })

  it('goes on waiting for the end of a container while Docker restarts', async () => {
    const proxy = await startDockerProxy()
    const through = bed.newExecutor({ docker: new Docker({ socketPath: proxy.socket }) })
    const handle = await through.start(
      specOf('until test -e /run/flowforge/end; do sleep 0.05; done; exit 7'),
    )
    const ended = through.exited(handle, never)
    await vi.waitUntil(() => proxy.connections() > 0)
    proxy.cut()
    await writeFile(path.join(folder, 'end'), '')
    expect(await executor.exited(handle, never)).toMatchObject({ exitCode: 7 })
    await expect(through.inspect(handle)).rejects.toMatchObject({ code: 'docker_unavailable' })
    await proxy.restore()
    expect(await ended).toMatchObject({ state: 'exited', exitCode: 7 })
    proxy.cut()
  })

  it('says where Docker was expected when it does not answer', async () => {
    const away = bed.newExecutor({ docker: new Docker({ socketPath: path.join(folder, 'no-docker.sock') }) })
    await expect(away.start(specOf('true'))).rejects.toMatchObject({
      code: 'docker_unavailable',
      message: expect.stringMatching(/no-docker\.sock: start it, or run script\/setup/),
    })
    expect(await away.check()).toMatchObject({
      ok: false,
      problems: [expect.stringContaining('does not answer')],
    })
  })

  it('does not start anything without the runtime that is asked for', async () => {
    const strict = bed.newExecutor({ runtime: 'runsc-that-is-missing' })
    await expect(strict.start(specOf('true'))).rejects.toMatchObject({ code: 'config_invalid' })
    expect(await strict.list()).toEqual([])
    expect((await strict.check()).problems).toEqual([expect.stringContaining('runsc-that-is-missing')])
  })

  it('names a missing agent image in its check', async () => {
    const check = await bed.newExecutor({ image: 'flowforge-test/missing:1' }).check()
    expect(check.problems).toEqual([expect.stringMatching(/flowforge-test\/missing:1.*script\/setup/)])
  })

  const handleOf = (id: string, { attemptId, phase }: ContainerSpec): ContainerHandle => ({
    executor: 'docker',
    id,
    attemptId,
    phase,
  })
})

/** Docker's socket behind one that can go away, as in a restart of the daemon. */
const startDockerProxy = async () => {
  const socket = path.join(folder, 'docker-proxy.sock')
  const open = new Set<Socket>()
  const server = createServer(client => {
    const daemon = connect('/var/run/docker.sock')
    open.add(client)
    client.on('close', () => open.delete(client))
    pipeline(client, daemon, client, () => {})
  })
  const listen = () => new Promise<void>(resolve => server.listen(socket, resolve))
  await listen()
  return {
    socket,
    connections: () => open.size,
    cut: () => {
      server.close()
      for (const client of open) client.destroy()
    },
    restore: listen,
  }
}
