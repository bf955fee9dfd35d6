import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import type Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { describeExecutorContract } from '../contract.ts'
import type { ContainerHandle, ContainerSpec, GatewayPlace } from '../port.ts'
import { profileDrift, type Sandbox } from '../profile.ts'
import { networkOptions, RELAY_LABEL, RELAY_PORT, relayOptions } from '../relay-profile.ts'
import { createGatewayHost } from './gateway-host.ts'
import { createDockerTestBed, scriptOf } from './testing.ts'
import { loopWorkspaces } from './workspaces.ts'

// A loaded machine may take seconds for a start, and each needs a network and a relay.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const bed = await createDockerTestBed()
const { docker, image, installationId, specOf } = bed
const host = await createGatewayHost(docker)()
const never = new AbortController().signal
afterAll(() => bed.close())

/** Networks and relays of this installation. */
const links = async (): Promise<string[]> => {
  const networks = await docker.listNetworks({
    filters: { label: [`flowforge.installation=${installationId}`] },
  })
  const relays = await docker.listContainers({
    all: true,
    filters: { label: [`${RELAY_LABEL}=${installationId}`] },
  })
  return [...networks.map(network => network.Name), ...relays.map(relay => relay.Names[0] ?? '')]
}

const nowhere: GatewayPlace = { kind: 'network', host: host.name, port: 1 }

describeExecutorContract('docker, network mode', async () => ({
  executor: bed.newNetworkExecutor(),
  otherWorker: bed.newNetworkExecutor(),
  spec: act => specOf(scriptOf(act), { gateway: nowhere }),
  specWithoutImage: () => specOf('true', { image: 'flowforge-test/missing:1', gateway: nowhere }),
  removeByHand: async handle => docker.getContainer(handle.id).remove({ force: true }),
}))

describe('the network of a container', () => {
  const executor = bed.newNetworkExecutor({ abandonedAfterMs: 200 })
  const servers: Server[] = []
  const serve = async (address: string, text: string): Promise<number> => {
    const server = createServer((_, response) => void response.end(text)).listen(0, address)
    servers.push(server)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  let gateway: GatewayPlace
  let gatewayPort: number
  let otherPort: number
  beforeAll(async () => {
    gatewayPort = await serve(host.address, 'the gateway')
    gateway = { kind: 'network', host: host.name, port: gatewayPort }
    otherPort = await serve('0.0.0.0', 'something else on this machine')
  })
  afterAll(() => servers.forEach(server => void server.close()))
  afterEach(async () => {
    await bed.stopAll(executor)
    expect(await links()).toEqual([])
  })

  const start = (script: string, changes?: Partial<ContainerSpec>) =>
    executor.start(specOf(script, { gateway, ...changes }))
  const runInside = async (script: string): Promise<string> => {
    const handle = await start(script)
    await executor.exited(handle, never)
    return executor.logs(handle, 100_000)
  }
  const inspect = ({ id }: ContainerHandle) => docker.getContainer(id).inspect()
  const relayOf = async (handle: ContainerHandle) =>
    docker.getContainer(`${(await inspect(handle)).Name.slice(1)}-relay`).inspect()
  const networkOf = (found: Docker.ContainerInspectInfo) => {
    const [network] = Object.values(found.NetworkSettings.Networks).filter(
      ({ IPAddress }) => !IPAddress.startsWith(host.address.replace(/\d+$/, '')),
    )
    return network!
  }
  /** The relay's address and the container's own router, as the container knows them. */
  const KNOWN_INSIDE = [
    "relay=$(echo $FLOWFORGE_GATEWAY_URL | sed 's,.*//\\(.*\\):.*,\\1,')",
    "router=$(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p')",
    `until echo | nc -w 2 $relay ${RELAY_PORT} >/dev/null 2>&1; do sleep 0.1; done`,
  ].join('; ')
  /** Prints `reached ADDRESS:PORT` for each of these where something takes a connection. */
  const probe = (targets: [address: string, port: number][]): string =>
    `${targets.map(([address, port]) => `(echo | nc -w 2 ${address} ${port} >/dev/null 2>&1 && echo reached ${address}:${port}) &`).join(' ')} wait`

  it('leads to the gateway, through the relay', async () => {
    const output = await runInside(
      'until wget -qO- $FLOWFORGE_GATEWAY_URL/runner 2>/dev/null; do sleep 0.1; done',
    )
    expect(output).toBe('the gateway')
  })

  it('leads nowhere else: not to this machine, other containers, the internet, or a resolver', async () => {
    const sibling = await start('nc -ll -p 7000 -e echo sibling')
    const otherRelay = await relayOf(sibling)
    const machine = Object.values(networkInterfaces())
      .flatMap(all => all?.filter(({ family, internal }) => family === 'IPv4' && !internal) ?? [])
      .map(({ address }) => address)
    const addresses = [host.address, '$router', networkOf(otherRelay).Gateway, ...machine]
    const targets: [string, number][] = [
      ['$relay', RELAY_PORT],
      ...addresses.map((address): [string, number] => [address, otherPort]),
      ...addresses.map((address): [string, number] => [address, gatewayPort]),
      [networkOf(otherRelay).IPAddress, RELAY_PORT],
      [otherRelay.NetworkSettings.Networks.bridge!.IPAddress, RELAY_PORT],
      [networkOf(await inspect(sibling)).IPAddress, 7000],
      ['169.254.169.254', 80],
      ['1.1.1.1', 443],
      ...[22, 53, 80, 2375, otherPort].map((port): [string, number] => ['$relay', port]),
    ]
    const lookUp =
      'for name in example.org host.docker.internal; do (nslookup $name 2>/dev/null | grep "^Address.*[0-9]$" | grep -v 127.0.0.1) & done; wait'
    const output = await runInside(
      `${KNOWN_INSIDE}; ${probe(targets).replaceAll('reached $relay', 'reached relay')}; ${lookUp}; grep -v " lo$" /proc/net/if_inet6; echo done`,
    )
    expect(output).toBe(`reached relay:${RELAY_PORT}\ndone\n`)
  })

  it('gives a real container exactly the declared profile, in which no socket is mounted', async () => {
    const handle = await start('exec sleep 600')
    const found = await inspect(handle)
    const spec = specOf('exec sleep 600', { gateway, attemptId: handle.attemptId })
    const name = found.Name.slice(1)
    const networkId = networkOf(found).NetworkID
    const workspace = loopWorkspaces({ root: bed.workspaceRoot, abandonedAfterMs: 0 }).volume(name)
    const sandbox: Sandbox = { installationId, name, spec, workspace, link: { networkId, gatewayUrl: '' } }
    expect(profileDrift(found, sandbox)).toEqual([])
    expect(profileDrift(found, { ...sandbox, link: undefined }).join()).toMatch(/on the network/)
    expect(found.Mounts.map(mount => mount.Destination)).toEqual(['/workspace'])
    expect(found.Config.Env).toContain(
      `FLOWFORGE_GATEWAY_URL=http://${networkOf(await relayOf(handle)).IPAddress}:${RELAY_PORT}`,
    )
  })

  it('has a relay that is hardened as well and knows no token', async () => {
    const handle = await start('exec sleep 600', { environment: { FLOWFORGE_ATTEMPT_TOKEN: 'the-token' } })
    const relay = await relayOf(handle)
    expect(relay.Config).toMatchObject({ User: '1000:1000' })
    expect(JSON.stringify(relay)).not.toContain('the-token')
    expect(relay.Mounts).toEqual([])
    expect(relay.HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      Memory: 64 * 1024 * 1024,
      MemorySwap: 64 * 1024 * 1024,
      PidsLimit: 64,
    })
    expect(Object.keys(relay.NetworkSettings.Networks)).toHaveLength(2)
  })

  it('goes with a container that somebody removed by hand, at the next sweep', async () => {
    const handle = await start('exec sleep 600')
    const kept = await start('exec sleep 600')
    await docker.getContainer(handle.id).remove({ force: true })
    await vi.waitFor(async () => {
      await executor.sweep()
      expect(await links()).toHaveLength(2)
    }, 10_000)
    expect(await executor.inspect(kept)).toEqual({ state: 'running' })
    expect((await relayOf(kept)).State.Running).toBe(true)
  })

  it('is replaced when its maker died before there was a container', async () => {
    const spec = specOf('exec sleep 600', { gateway })
    const name = `flowforge-${installationId.slice(-8)}-${spec.attemptId}-agent`
    const left = { installationId, name, spec, workspace: { driverOptions: {} } }
    await docker.createNetwork(networkOptions(left))
    await docker.createContainer(relayOptions(left, { image, command: ['sleep', '600'] }))
    const handle = await executor.start(spec)
    expect(await executor.inspect(handle)).toEqual({ state: 'running' })
    expect(await links()).toHaveLength(2)
  })

  it('is not made on an engine that forwards DNS, unless someone chose the mode', async () => {
    const { Version } = await docker.version()
    const careful = bed.newNetworkExecutor({
      network: { image: async () => image, acceptOldEngine: false },
    })
    const { problems } = await careful.check()
    const chosen = await executor.check()
    expect(chosen).toMatchObject({ ok: true, facts: { isolationLevel: 'reduced' } })
    if (problems.length === 0) return expect(chosen.facts.warning).toBeUndefined()
    expect(problems).toEqual([expect.stringContaining(`Docker ${Version}`)])
    expect(chosen.facts.warning).toContain('CVE-2024-29018')
    await expect(careful.start(specOf('true', { gateway }))).rejects.toMatchObject({ code: 'config_invalid' })
    expect(await careful.list()).toEqual([])
  })
})
