// Processes of neighbouring versions on one database, both ways round, and an upgrade while the old version runs. The version
// before is the real one, built from its commit.
import { cp, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createScriptedModel } from '../../packages/scripted-model/src/server.ts'
import { freePort, type Program, startProgram } from '../../script/lib/program.ts'
import { createPostgres } from '../faults/postgres.ts'
import { leftovers, removeContainers } from '../leftovers.ts'
import { createPerson } from '../person.ts'
import { branchesOf, hostedRepository } from '../repositories.ts'
import { basics, makeDirectory, ROOT } from '../system.ts'
import { buildImage, buildPrevious, findPrevious } from './previous.ts'

const found = findPrevious()
const reason = 'missing' in found ? ` (skipped: ${found.missing})` : ''
/** Where each version lies. */
const checkouts = { old: '', new: ROOT }
type Version = keyof typeof checkouts
beforeAll(async () => {
  if ('commit' in found) checkouts.old = await buildPrevious(found.commit)
})

const endings: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

type Role = 'server' | 'worker' | 'all-in-one'

/** A database, a data folder and a model, on which processes of either version may run. */
async function ground(environment: Record<string, string> = {}) {
  const directory = await makeDirectory()
  const postgres = await createPostgres(join(directory, 'pg'))
  const model = await createScriptedModel({ pace: 0, apiKey: 'sk-skew' })
  const token = `ffk_skew_${directory.slice(-6)}_0123456789`
  const programs: Program[] = []
  const start = async (checkout: string, role: Role, port: number) => {
    const program = startProgram({
      command: [process.execPath, join(checkout, 'packages/server/src/bin', `${role}.ts`)],
      environment: {
        ...basics(directory),
        DATABASE_URL: postgres.url(),
        FLOWFORGE_DATA_DIR: join(directory, 'd'),
        FLOWFORGE_BOOTSTRAP_TOKEN: token,
        FLOWFORGE_EXECUTOR: 'dummy',
        FLOWFORGE_SPARE_CONTAINERS: '0',
        FLOWFORGE_LEASE_SECONDS: '5',
        FLOWFORGE_PORT: String(port),
        ANTHROPIC_API_KEY: 'sk-skew',
        ANTHROPIC_BASE_URL: model.url,
        ...environment,
      },
      logFile: join(directory, `${role}-${programs.length + 1}.log`),
    })
    programs.push(program)
    return program
  }
  const ready = async (version: Version, role: Role, port = 0): Promise<Program> => {
    const program = await start(checkouts[version], role, port || (await freePort()))
    await program.said(/FlowForge (worker )?is ready/)
    return program
  }
  endings.push(async () => {
    for (const program of programs) if (!program.hasEnded()) await program.stop()
    await postgres.end('SIGINT')
    await model.close()
    const left = await leftovers(directory)
    await removeContainers(directory)
    await rm(directory, { recursive: true, force: true })
    expect(left).toEqual([])
  })
  return {
    directory,
    start,
    ready,
    person: (port: number) => ({
      ...createPerson({ url: `http://127.0.0.1:${port}`, token }),
      directory,
    }),
  }
}

const typesOf = (events: { type: string }[]): string[] => events.map(({ type }) => type)

describe.skipIf('missing' in found)(`neighbouring versions${reason}`, () => {
  it.each([
    ['old server, new worker', 'old', 'new'],
    ['new server, old worker', 'new', 'old'],
  ] as const)('%s: jobs are done, and their stories are whole', async (_name, serverVersion, workerVersion) => {
    const it = await ground()
    const port = await freePort()
    // Whichever is the newer brings the database to its version; the older one finds it so, or is running already.
    await it.ready(serverVersion, 'server', port)
    const worker = await it.ready(workerVersion, 'worker')
    const person = it.person(port)
    const { id: repositoryId } = await hostedRepository(person)
    for (const task of ['Do something.', '[dummy: flood 300]']) {
      const job = await person.run({ repositoryId, task })
      expect(job).toMatchObject({ state: 'succeeded', attempt: 1 })
      const events = await person.events(job)
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1))
      expect(typesOf(events)).toEqual(expect.arrayContaining(['job.created', 'job.started', 'job.succeeded']))
    }
    const failed = await person.run({ repositoryId, task: '[dummy: fail setup_failed]', maxAttempts: 1 })
    expect(failed).toMatchObject({ state: 'failed', reason: { code: 'setup_failed' } })
    const lingering = await person.submit({ repositoryId, task: '[dummy: linger]' })
    await person.untilEvent(lingering, 'attempt.started')
    await person.flowforge.jobs.cancel(lingering.id)
    expect(await person.untilFinished(lingering)).toMatchObject({ state: 'cancelled' })
    expect(await worker.stop()).toBe(0)
  })

  it('an upgrade under load: the new version migrates beside the old one, and takes over piece by piece', async () => {
    const it = await ground()
    const [oldPort, newPort] = [await freePort(), await freePort()]
    const oldServer = await it.ready('old', 'server', oldPort)
    const oldWorker = await it.ready('old', 'worker')
    const old = it.person(oldPort)
    const { id: repositoryId } = await hostedRepository(old)
    const before = await old.submit({ repositoryId, task: '[dummy: linger]' })
    await old.untilEvent(before, 'attempt.started')

    const newServer = await it.ready('new', 'server', newPort)
    const renewed = it.person(newPort)
    // Both serve, and the old worker still works.
    expect((await old.flowforge.jobs.get(before.id)).state).toBe('running')
    expect((await renewed.flowforge.jobs.get(before.id)).state).toBe('running')
    expect(await renewed.run({ repositoryId, task: 'By the old worker.' })).toMatchObject({
      state: 'succeeded',
    })
    await it.ready('new', 'worker')
    const watching = renewed.untilFinished(before)
    expect(await oldServer.stop()).toBe(0)
    await renewed.flowforge.jobs.cancel(before.id)
    expect(await watching).toMatchObject({ state: 'cancelled' })
    expect(await oldWorker.stop()).toBe(0)
    expect(await renewed.run({ repositoryId, task: 'By the new worker.' })).toMatchObject({
      state: 'succeeded',
    })
    // And back: the version before finds the newer database good enough.
    expect(await newServer.stop()).toBe(0)
    await it.ready('old', 'server', oldPort)
    expect(await old.run({ repositoryId, task: 'Asked of the old server.' })).toMatchObject({
      state: 'succeeded',
    })
  })

  it.each([
    ['the old runner with the new worker', 'new', 'old'],
    ['the new runner with the old worker', 'old', 'new'],
  ] as const)('%s: a real container does its job', async (_name, workerVersion, runnerVersion) => {
    const image = await buildImage(checkouts[runnerVersion])
    const it = await ground({ FLOWFORGE_EXECUTOR: 'docker', FLOWFORGE_AGENT_IMAGE: image })
    const port = await freePort()
    const system = await it.ready(workerVersion, 'all-in-one', port)
    const person = it.person(port)
    const repository = await hostedRepository(person)
    const job = await person.run({
      repositoryId: repository.id,
      task: 'Write [scenario: run-script]\n```sh\necho 1 > one.txt\n```',
      verify: ['test -f one.txt'],
    })
    expect(job).toMatchObject({ state: 'succeeded', result: { filesChanged: 1 } })
    expect([...(await branchesOf(person, repository.url)).keys()]).toContain(job.branch)
    expect(await system.stop()).toBe(0)
  })
})

it('a migration that fails half-way ends the new version with its name, and the old one works on', async () => {
  const it = await ground()
  const port = await freePort()
  await it.ready('new', 'server', port)
  await it.ready('new', 'worker')
  const person = it.person(port)
  const { id: repositoryId } = await hostedRepository(person)
  const running = await person.submit({ repositoryId, task: '[dummy: linger]' })
  await person.untilEvent(running, 'attempt.started')

  // The version to come: ours with one more migration, of which the second statement fails.
  const next = join(it.directory, 'next', 'packages', 'server')
  await cp(join(ROOT, 'packages', 'server'), next, {
    recursive: true,
    filter: source => !source.includes('node_modules'),
  })
  await writeFile(
    join(next, 'migrations', '9001_broken.sql'),
    'alter table jobs add column added int; select no_such_function();',
  )
  await symlink(join(ROOT, 'node_modules'), join(it.directory, 'next', 'node_modules'))
  const failing = await it.start(join(it.directory, 'next'), 'server', await freePort())
  expect(await failing.ended).toBe(1)
  expect(failing.output()).toMatch(
    /flowforge: The database could not be brought to this version: migration 9001_broken failed \(.*no_such_function.*\)\. It changed nothing, and the version before goes on working/,
  )
  expect(failing.output()).not.toContain('    at ')

  expect(await person.run({ repositoryId, task: 'All is as before.' })).toMatchObject({ state: 'succeeded' })
  await person.flowforge.jobs.cancel(running.id)
  expect(await person.untilFinished(running)).toMatchObject({ state: 'cancelled', attempt: 1 })
})
