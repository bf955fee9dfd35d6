// The main job where containers can not have the gateway's socket: on a network of their own, through a relay.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { cloneOf, hostedRepository } from './repositories.ts'
import { type System, startSystem } from './system.ts'

const docker = new Docker()
let system: System
let installation: string
beforeAll(async () => {
  const before = new Set((await allNetworks()).map(({ Id }) => Id))
  system = await startSystem({ environment: { FLOWFORGE_GATEWAY_MODE: 'network' } })
  // Those of the spare containers.
  const made = await vi.waitUntil(async () => (await allNetworks()).find(({ Id }) => !before.has(Id)), 30_000)
  installation = made.Labels!['flowforge.installation']!
})
afterAll(async () => {
  await system.stop()
  const networks = await allNetworks()
  expect(networks.filter(({ Labels }) => Labels?.['flowforge.installation'] === installation)).toEqual([])
  const relays = { label: [`flowforge.relay=${installation}`] }
  expect(await docker.listContainers({ all: true, filters: relays })).toEqual([])
})

const allNetworks = () => docker.listNetworks({ filters: { label: ['flowforge.installation'] } })

it('a job runs, is verified and pushed through the relay, and the isolation is reported as reduced', async () => {
  const repository = await hostedRepository(system)
  const job = await system.run({
    task: 'Write a greeting',
    repositoryId: repository.id,
    verify: ['test -s hello.txt'],
  })
  expect(job).toMatchObject({ state: 'succeeded', attempt: 1 })
  expect(job.result?.verify).toMatchObject([{ command: 'test -s hello.txt', exitCode: 0 }])
  const clone = await cloneOf(system, repository.url, job.branch)
  expect(await readFile(join(clone, 'hello.txt'), 'utf8')).toContain('Hello')
  const answer = await fetch(`${system.url}/api/v1/system`, {
    headers: { authorization: `Bearer ${system.token}` },
  })
  expect(await answer.json()).toMatchObject({ isolation: 'reduced' })
})
