import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'

const PROGRAM = join(import.meta.dirname, 'relay-main.ts')
let relay: ChildProcess | undefined
const servers: Server[] = []
afterEach(() => {
  relay?.kill('SIGKILL')
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

const listen = async (port: number, text: string): Promise<number> => {
  const server = createServer((_, response) => void response.end(text)).listen(port, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
const freePort = async (): Promise<number> => {
  const port = await listen(0, '')
  await new Promise(resolve => servers.pop()!.close(resolve))
  return port
}

test('the relay passes connections on, also to a gateway that comes later', async () => {
  const [port, gatewayPort] = [await freePort(), await freePort()]
  relay = spawn(process.execPath, [PROGRAM, String(port), `127.0.0.1:${gatewayPort}`], { stdio: 'inherit' })
  const asked = vi.waitFor(async () => (await fetch(`http://127.0.0.1:${port}/`)).text(), { timeout: 20_000 })
  await listen(gatewayPort, 'the gateway')
  expect(await asked).toBe('the gateway')
})

test.each([[[]], [['x', 'a:1']], [['7420', 'no-port']]])('the relay refuses the arguments %j', async args => {
  relay = spawn(process.execPath, [PROGRAM, ...args], { stdio: 'ignore' })
  expect(await once(relay, 'exit')).toEqual([64, null])
})
