import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import type { ContainerSpec } from '../port.ts'
import { containerOptions, profileDrift, type Sandbox } from '../profile.ts'
import { createDockerTestBed, MIB } from './testing.ts'
import { loopWorkspaces, plainWorkspaces } from './workspaces.ts'

// A loaded machine may take seconds for a start.
vi.setConfig({ testTimeout: 30_000 })

const bed = await createDockerTestBed()
const { docker, folder, image, installationId, specOf, workspaceRoot } = bed
const never = new AbortController().signal
afterAll(() => bed.close())

describe('the sandbox', () => {
  const executor = bed.newExecutor()
  afterEach(() => bed.stopAll(executor))

  /** What the script prints until it ends. */
  const runInside = async (script: string, changes: Partial<ContainerSpec> = {}): Promise<string> => {
    const handle = await executor.start(specOf(script, changes))
    await executor.exited(handle, never)
    return executor.logs(handle, 100_000)
  }

  const sandboxOf = (spec: ContainerSpec, name: string): Sandbox => {
    const root = workspaceRoot
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
        'until test -S /run/flowforge/late.sock; do sleep 0.05; done; rm /run/flowforge/late.sock 2>&1; echo seen',
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
    expect(await bed.workspaceFiles(spec.attemptId)).not.toEqual([])
    await executor.stop(handle, { graceMs: 0 })
    expect(await bed.workspaceFiles(spec.attemptId)).toEqual([])
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

  it('has a workspace that it can write to also where the size can not be enforced', async () => {
    const spec = specOf('touch /workspace/x && echo wrote')
    const workspace = plainWorkspaces('for this test').volume('any')
    const name = `${installationId}-plain`
    const container = await docker.createContainer(containerOptions({ ...sandboxOf(spec, name), workspace }))
    try {
      await container.start()
      expect(await container.wait()).toMatchObject({ StatusCode: 0 })
    } finally {
      await container.remove({ force: true, v: true })
    }
  })
})
