import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Docker from 'dockerode'
import { afterEach, describe, expect, it } from 'vitest'
import { createDaemon } from './daemon.ts'
import { findGatewayHost } from './gateway-host.ts'

let close: () => void = () => {}
afterEach(() => close())

/** A Docker that says this of itself and of its bridge. */
const dockerThatSays = async (operatingSystem: string, range?: { Subnet: string; Gateway?: string }) => {
  const server = createServer((request, response) => {
    const bridge = range && { IPAM: { Config: [{ Subnet: 'fd00::/64' }, range] } }
    const found = request.url?.endsWith('/info') ? { OperatingSystem: operatingSystem } : bridge
    response
      .writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
      .end(JSON.stringify(found ?? {}))
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  close = () => {
    server.closeAllConnections()
    server.close()
  }
  return createDaemon(new Docker({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }))
}

describe('where the gateway listens in network mode', () => {
  const desktop = { address: '127.0.0.1', name: 'host.docker.internal' }

  it("is this machine's loopback address where containers run in a virtual machine", async () => {
    expect(await findGatewayHost(await dockerThatSays('Docker Desktop'), 'linux')).toEqual(desktop)
    close()
    expect(await findGatewayHost(await dockerThatSays('Alpine Linux'), 'darwin')).toEqual(desktop)
  })

  it("is the bridge's address elsewhere, also when Docker names only its range", async () => {
    const loopback = { address: '127.0.0.1', name: '127.0.0.1' }
    const named = await dockerThatSays('Debian', { Subnet: '127.0.0.0/8', Gateway: '127.0.0.1' })
    expect(await findGatewayHost(named, 'linux')).toEqual(loopback)
    close()
    expect(await findGatewayHost(await dockerThatSays('Debian', { Subnet: '127.0.0.0/8' }), 'linux')).toEqual(
      loopback,
    )
  })

  it.each([
    undefined,
    { Subnet: '203.0.113.0/24' },
  ])('is nowhere when the bridge %j is not of this machine', async range => {
    const daemon = await dockerThatSays('Debian', range)
    await expect(findGatewayHost(daemon, 'linux')).rejects.toMatchObject({ code: 'config_invalid' })
  })
})
