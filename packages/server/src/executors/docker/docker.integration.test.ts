import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, statfs, utimes, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import path from 'node:path'
import { pipeline } from 'node:stream'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { type Act, describeExecutorContract, newAttemptId } from '../contract.ts'
import type { ContainerHandle, ContainerSpec } from '../port.ts'
import { containerOptions, profileDrift, type Sandbox } from '../profile.ts'
import { createDockerExecutor } from './executor.ts'
import { ensureTestImage } from './test-image.ts'
import { loopWorkspaces } from './workspaces.ts'

// A loaded machine may take seconds for a start.
vi.setConfig({ testTimeout: 30_000 })

const MIB = 1024 * 1024
const docker = new Docker()
const log = { info: () => {}, warn: () => {} }
const never = new AbortController().signal
const installationId = `test${randomBytes(4).toString('hex')}`

const image = await ensureTestImage(docker)
const folder = await mkdtemp('/tmp/flowforge-docker-')
await chmod(folder, 0o711)

afterAll(async () => {
  const left = (await loops()).filter(({ image: file }) => file.startsWith(folder))
  await rm(folder, { recursive: true, force: true })
  expect(left).toEqual([])
})

const newExecutor = (changes: Partial<Parameters<typeof createDockerExecutor>[0]> = {}) =>
  createDockerExecutor({
    installationId,
    docker,
    workspaceRoot: path.join(folder, 'workspaces'),
    image,
    log,
    ...changes,
  })

const specOf = (script: string, changes: Partial<ContainerSpec> = {}): ContainerSpec => ({
  attemptId: newAttemptId(),
  phase: 'agent',
  image,
  command: ['sh', '-c', script],
  environment: {},
  gatewayDirectory: folder,
  workspaceBytes: 64 * MIB,
  memoryBytes: 64 * MIB,
  cpus: 1,
  ...changes,
})

const loops = async (): Promise<{ device: string; image: string }[]> => {
  const devices = (await readdir('/sys/block')).filter(name => name.startsWith('loop'))
  const found = devices.map(async device => ({
    device,
    image: (await readFile(`/sys/block/${device}/loop/backing_file`, 'utf8').catch(() => '')).trim(),
  }))
  return Promise.all(found)
}

const scriptOf = (act: Act): string => {
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
    case 'use-too-much-memory':
      return 'exec tail /dev/zero'
  }
}

describeExecutorContract('docker', async () => ({
  executor: newExecutor(),
  otherWorker: newExecutor(),
  spec: act => specOf(scriptOf(act)),
  specWithoutImage: () => specOf('true', { image: 'flowforge-test/missing:1' }),
  removeByHand: async handle => docker.getContainer(handle.id).remove({ force: true }),
}))

describe('the sandbox', () => {
  const executor = newExecutor()
  afterEach(async () => {
    for (const handle of await executor.list()) await executor.stop(handle, { graceMs: 0 })
  })

  /** What the script prints until it ends. */
  const runInside = async (script: string, changes: Partial<ContainerSpec> = {}): Promise<string> => {
    const handle = await executor.start(specOf(script, changes))
    await executor.exited(handle, never)
    return executor.logs(handle, 100_000)
  }

  const sandboxOf = (spec: ContainerSpec, name: string): Sandbox => {
    const root = path.join(folder, 'workspaces')
    return {
      installationId,
      name,
      spec,
      workspace: loopWorkspaces({ root, abandonedAfterMs: 0 }).volume(name),
    }
  }

  it('gives a real container exactly the declared profile', async () => {
    const spec = specOf('exec sleep 600')
    const { id } = await executor.start(spec)
    const found = await docker.getContainer(id).inspect()
    expect(profileDrift(found, sandboxOf(spec, found.Name.slice(1)))).toEqual([])
  })

  it.each([
    ['a privileged container', { Privileged: true }, /Privileged/],
    ['a network', { NetworkMode: 'bridge' }, /NetworkMode/],
    ['a capability', { CapAdd: ['SYS_ADMIN'] }, /CapAdd/],
    ['a host folder', { Binds: ['/etc:/host-etc'] }, /host-etc/],
    ['unmasked paths', { MaskedPaths: [] }, /\/proc\/kcore is not masked/],
    ['swap', { MemorySwap: -1 }, /MemorySwap/],
  ])('would notice %s', async (_, change, expected) => {
    const spec = specOf('true', { workspaceBytes: MIB })
    const name = `${installationId}-drift`
    const sandbox = { ...sandboxOf(spec, name), workspace: { driverOptions: {} } }
    const options = containerOptions(sandbox)
    const container = await docker.createContainer({
      ...options,
      NetworkDisabled: false,
      HostConfig: { ...options.HostConfig, ...change },
    })
    try {
      expect(profileDrift(await container.inspect(), sandbox).join('\n')).toMatch(expected)
    } finally {
      await container.remove({ force: true, v: true })
    }
  })

  it('has no network: loopback alone, no route, no resolver', async () => {
    const output = await runInside(
      'ls /sys/class/net; echo routes; cat /proc/net/route /proc/net/ipv6_route | grep -v -e Iface -e " lo$"; echo resolver; grep nameserver /etc/resolv.conf; nslookup example.org 127.0.0.11 2>&1 | tail -1; ping -c1 -W1 172.17.0.1 2>&1; true',
    )
    expect(output).toMatch(/^lo\nroutes\nresolver\n/)
    expect(output).not.toMatch(/1 packets received|Address:.*\d+\.\d+\.\d+\.\d+$/)
  })

  it('is an ordinary user without capabilities, and can not become another', async () => {
    const output = await runInside('id; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status')
    expect(output).toContain('uid=1000')
    expect(output.match(/Cap\w+:\s+0000000000000000/g)).toHaveLength(5)
    expect(output).toMatch(/NoNewPrivs:\s+1/)
    expect(output).toMatch(/Seccomp:\s+2/)
  })

  it('can write to its workspace, home, /tmp and /dev/shm, and nowhere else', async () => {
    const output = await runInside(
      'for d in / /bin /etc /run /run/flowforge /workspace /home/agent /tmp /dev/shm; do touch $d/x 2>/dev/null && echo "wrote $d"; done; cp /bin/busybox /tmp/true && /tmp/true && echo "ran from /tmp"; ls -A /workspace',
    )
    expect(output.trim().split('\n')).toEqual([
      'wrote /workspace',
      'wrote /home/agent',
      'wrote /tmp',
      'wrote /dev/shm',
      'ran from /tmp',
      'x',
    ])
  })

  it('sees a socket of the gateway that is made later, and can not put one there', async () => {
    const handle = await executor.start(
      specOf(
        'until test -S /run/flowforge/late.sock; do sleep 0.05; done; rm /run/flowforge/late.sock; echo seen',
      ),
    )
    const server = createServer()
    server.listen(path.join(folder, 'late.sock'))
    await executor.exited(handle, never)
    server.close()
    expect(await executor.logs(handle, 1000)).toMatch(/Read-only file system\n(.*\n)*seen/)
  })

  it('holds a fork bomb, and another container does not notice', async () => {
    const neighbour = await executor.start(specOf('while true; do echo alive; sleep 0.1; done'))
    const bomb = await executor.start(
      specOf('i=0; while [ $i -lt 2000 ]; do sleep 600 & i=$((i+1)); done 2>&1; echo "made $i"', {
        memoryBytes: 512 * MIB,
      }),
    )
    await executor.exited(bomb, never)
    expect(await executor.logs(bomb, 10_000)).toMatch(/can't fork/)
    expect(await executor.inspect(neighbour)).toEqual({ state: 'running' })
  })

  it('stops a disk filler at the size of its workspace, with the host unharmed', async () => {
    const free = async () => {
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    }
    const spec = specOf(
      'dd if=/dev/zero of=/workspace/full bs=1M count=4000 2>&1; du -m /workspace/full; sleep 600',
    )
    const handle = await executor.start(spec)
    await vi.waitFor(
      async () => expect(await executor.logs(handle, 10_000)).toContain('No space left'),
      20_000,
    )
    const files = await readdir(path.join(folder, 'workspaces'))
    expect(files.some(file => file.includes(spec.attemptId))).toBe(true)
    await executor.stop(handle, { graceMs: 0 })
    const left = await readdir(path.join(folder, 'workspaces'))
    expect(left.filter(file => file.includes(spec.attemptId))).toEqual([])
    expect(await free()).toBeGreaterThan(64 * MIB)
  })

  it('ends what a daemonised child left, with the container', async () => {
    const handle = await executor.start(specOf('setsid sleep 98765 & echo started; exec sleep 600'))
    await vi.waitFor(async () => expect(await executor.logs(handle, 1000)).toContain('started'))
    await executor.stop(handle, { graceMs: 5000 })
    const { stdout } = await promisify(execFile)('ps', ['-eo', 'args'])
    expect(stdout).not.toMatch(/^sleep 98765/m)
  })

  it('keeps a flood of output within bounds', async () => {
    const handle = await executor.start(specOf('yes "a line of a flood" | head -c 20000000; echo "the end"'))
    await executor.exited(handle, never)
    const tail = await executor.logs(handle, 1000)
    expect(tail).toContain('the end')
    expect(tail.length).toBeLessThanOrEqual(1000)
  })

  it('refuses an image that declares a second writable folder', async () => {
    const name = 'flowforge-test/volume'
    const container = await docker.createContainer({ Image: image, Cmd: ['true'] })
    await container.commit({ repo: name, tag: '1', changes: 'VOLUME /extra' })
    await container.remove()
    try {
      await expect(executor.start(specOf('true', { image: `${name}:1` }))).rejects.toThrow(
        /VOLUME at \/extra/,
      )
      expect(await executor.list()).toEqual([])
    } finally {
      await docker.getImage(`${name}:1`).remove({ force: true })
    }
  })
})

describe('what can go wrong around Docker', () => {
  const executor = newExecutor({ abandonedAfterMs: 200 })
  afterEach(async () => {
    for (const handle of await executor.list()) await executor.stop(handle, { graceMs: 0 })
  })
  const workspaceFiles = async (attemptId: string) =>
    (await readdir(path.join(folder, 'workspaces'))).filter(file => file.includes(attemptId))
  /** As if it had been made long ago. */
  const age = async (attemptId: string) => {
    const files = await workspaceFiles(attemptId)
    for (const file of files) await utimes(path.join(folder, 'workspaces', file), 0, 0).catch(() => {})
  }

  it('removes the workspace, loop device and volume of a container that somebody removed by hand', async () => {
    const spec = specOf('exec sleep 600')
    const handle = await executor.start(spec)
    await docker.getContainer(handle.id).remove({ force: true })
    await age(spec.attemptId)
    await executor.sweep()
    expect(await workspaceFiles(spec.attemptId)).toEqual([])
    const filters = { label: [`flowforge.attempt=${spec.attemptId}`] }
    expect((await docker.listVolumes({ filters })).Volumes ?? []).toEqual([])
  })

  it('sweeps the workspace of a worker that died before its container was made', async () => {
    const root = path.join(folder, 'workspaces')
    const attemptId = newAttemptId()
    const dead = loopWorkspaces({ root, abandonedAfterMs: 0 })
    await (await dead.prepare(`flowforge-x-${attemptId}-agent`, 16 * MIB)).commit()
    expect((await loops()).some(({ image: file }) => file.includes(attemptId))).toBe(true)
    await age(attemptId)
    await executor.sweep()
    expect(await workspaceFiles(attemptId)).toEqual([])
    expect((await loops()).some(({ image: file }) => file.includes(attemptId))).toBe(false)
  })

  it('replaces a container that was made but never started by a worker that died', async () => {
    const spec = specOf('exec sleep 600')
    const name = `flowforge-${installationId.slice(0, 8)}-${spec.attemptId}-agent`
    const sandbox: Sandbox = { installationId, name, spec, workspace: { driverOptions: {} } }
    const { id } = await docker.createContainer(containerOptions(sandbox))
    expect(await executor.inspect(handleOf(id, spec))).toMatchObject({ state: 'exited', exitCode: 125 })
    const handle = await executor.start(spec)
    expect(handle.id).not.toBe(id)
    expect(await executor.inspect(handle)).toEqual({ state: 'running' })
  })

  it('leaves the containers of other installations alone', async () => {
    const other = newExecutor({ installationId: `else${randomBytes(4).toString('hex')}` })
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
    await expect(executor.start(spec)).rejects.toThrow()
    expect(await executor.list()).toEqual([])
    expect(await workspaceFiles(spec.attemptId)).toEqual([])
  })

  it('goes on waiting for the end of a container while Docker restarts', async () => {
    const proxy = await startDockerProxy()
    const through = newExecutor({ docker: new Docker({ socketPath: proxy.socket }) })
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
    const away = newExecutor({ docker: new Docker({ socketPath: path.join(folder, 'no-docker.sock') }) })
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
    const strict = newExecutor({ runtime: 'runsc-that-is-missing' })
    await expect(strict.start(specOf('true'))).rejects.toMatchObject({ code: 'config_invalid' })
    expect(await strict.list()).toEqual([])
    expect((await strict.check()).problems).toEqual([expect.stringContaining('runsc-that-is-missing')])
  })

  it('names a missing agent image in its check', async () => {
    const check = await newExecutor({ image: 'flowforge-test/missing:1' }).check()
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
