import { describe, expect, it } from 'vitest'
import { containerOptions, type Sandbox } from './profile.ts'
import { networkOptions, relayCommand, relayOptions } from './relay-profile.ts'

const sandbox: Sandbox = {
  installationId: 'here',
  name: 'flowforge-here-a-agent',
  spec: {
    attemptId: 'a',
    phase: 'agent',
    image: 'agent:1',
    environment: { FLOWFORGE_ATTEMPT_TOKEN: 'the-token' },
    gateway: { kind: 'network', host: 'host.docker.internal', port: 40_123 },
    workspaceBytes: 1,
    memoryBytes: 2 ** 30,
    cpus: 2,
  },
  workspace: { driverOptions: {} },
  link: { networkId: 'n', gatewayUrl: 'http://10.1.2.3:7420' },
}
const socketSandbox: Sandbox = {
  ...sandbox,
  spec: { ...sandbox.spec, gateway: { kind: 'socket', directory: '/doors/a' } },
  link: undefined,
}

describe('a container in network mode', () => {
  it('is on its own network alone, asks no resolver, and has no socket', () => {
    const { HostConfig, Env, NetworkDisabled } = containerOptions(sandbox)
    expect(HostConfig).toMatchObject({ NetworkMode: 'n', Dns: ['127.0.0.1'] })
    expect(HostConfig?.ExtraHosts).toBeUndefined()
    expect(NetworkDisabled).toBe(false)
    expect(Env).toContain('FLOWFORGE_GATEWAY_URL=http://10.1.2.3:7420')
    expect(HostConfig?.Mounts?.map(mount => mount.Target)).toEqual(['/workspace'])
  })

  it('differs in nothing else from one with a socket', () => {
    const { NetworkMode: _, Dns: __, Mounts: ___, ...network } = containerOptions(sandbox).HostConfig!
    const { NetworkMode, Mounts, ...socket } = containerOptions(socketSandbox).HostConfig!
    expect(network).toEqual(socket)
    expect(NetworkMode).toBe('none')
    expect(Mounts?.map(mount => mount.Target)).toEqual(['/run/flowforge', '/workspace'])
  })

  it('has no network at all when its link is missing', () => {
    expect(containerOptions({ ...sandbox, link: undefined }).HostConfig?.NetworkMode).toBe('none')
  })
})

describe('the network and its relay', () => {
  it('are closed to other networks and to the host', () => {
    expect(networkOptions(sandbox)).toMatchObject({
      Internal: true,
      EnableIPv6: false,
      Attachable: false,
      Options: { 'com.docker.network.bridge.inhibit_ipv4': 'true' },
    })
  })

  it('pass on to one port, without token, and without a label of an attempt', () => {
    const command = relayCommand('172.17.0.1', 40_123)
    const relay = relayOptions(sandbox, { image: 'agent:1', command })
    expect(relay.Cmd?.slice(-2)).toEqual(['7420', '172.17.0.1:40123'])
    expect(JSON.stringify(relay)).not.toContain('the-token')
    expect(Object.keys(relay.Labels!)).toEqual(['flowforge.relay'])
    expect(relay.HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'], PidsLimit: 64 })
    expect(relay.HostConfig?.Mounts).toBeUndefined()
    expect(relay.HostConfig?.ExtraHosts).toBeUndefined()
  })

  it('know the machine by a name under Docker Desktop', () => {
    const command = relayCommand('host.docker.internal', 40_123)
    const { HostConfig } = relayOptions(sandbox, { image: 'agent:1', command })
    expect(HostConfig?.ExtraHosts).toEqual(['host.docker.internal:host-gateway'])
  })
})
