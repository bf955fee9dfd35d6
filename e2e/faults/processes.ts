// FlowForge as processes that a test can kill, freeze and cut off: a server and workers, each by itself, on a Postgres of
// the test's own, with a scripted model. Knows nothing of any one fault.
import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createScriptedModel,
  type ScriptedModel,
  type ScriptedModelOptions,
} from '../../packages/scripted-model/src/server.ts'
import { freePort, type Program, startProgram } from '../../script/lib/program.ts'
import { leftovers, removeContainers } from '../leftovers.ts'
import { createPerson, type Person } from '../person.ts'
import { basics, makeDirectory, ROOT } from '../system.ts'
import { createPostgres, type Postgres } from './postgres.ts'

export const LEASE_SECONDS = 5
export const TWO_LEASES_MS = 2 * LEASE_SECONDS * 1000

export interface InstallationOptions {
  /** Of every process. */
  environment?: Record<string, string>
  model?: ScriptedModelOptions
  /** Before the first start. */
  prepare?: (postgres: Postgres, directory: string) => Promise<void>
  /** After the end, before the directory is removed. */
  cleanUp?: () => Promise<void>
}

export interface Installation extends Person {
  directory: string
  dataDirectory: string
  masterKey: Buffer
  /** The one that the others' rows are looked up in: after a failover the new primary. */
  postgres: Postgres
  model: ScriptedModel
  /** `environment` is added to that of the installation. */
  startServer(environment?: Record<string, string>): Promise<Program>
  /** `under`: a program that runs it, such as faketime, with its arguments. */
  startWorker(environment?: Record<string, string>, under?: string[]): Promise<Program>
  /** Ends what runs, and fails when something of it is left on this machine. */
  stop(): Promise<void>
}

/** Nothing but Postgres and the model runs yet. */
export async function createInstallation(options: InstallationOptions = {}): Promise<Installation> {
  const directory = await makeDirectory()
  const postgres = await createPostgres(join(directory, 'pg'))
  await options.prepare?.(postgres, directory)
  const [token, claudeKey] = ['ffk', 'sk'].map(kind => `${kind}_faults_${directory.slice(-6)}_0123456789`)
  const model = await createScriptedModel({ pace: 0, apiKey: claudeKey, ...options.model })
  const port = await freePort()
  const masterKey = randomBytes(32)
  const dataDirectory = join(directory, 'd')
  await mkdir(dataDirectory, { mode: 0o711 })
  const ownEnvironment = {
    ...basics(directory),
    DATABASE_URL: postgres.url(),
    FLOWFORGE_DATA_DIR: dataDirectory,
    FLOWFORGE_BOOTSTRAP_TOKEN: token!,
    FLOWFORGE_MASTER_KEY: masterKey.toString('base64'),
    FLOWFORGE_TRUSTED_HOSTS: '127.0.0.1',
    FLOWFORGE_EXECUTOR: 'dummy',
    FLOWFORGE_CONCURRENCY: '4',
    FLOWFORGE_SPARE_CONTAINERS: '0',
    FLOWFORGE_LEASE_SECONDS: String(LEASE_SECONDS),
    FLOWFORGE_PORT: String(port),
    ANTHROPIC_API_KEY: claudeKey!,
    ANTHROPIC_BASE_URL: model.url,
    ...options.environment,
  }
  const programs: Program[] = []
  const start = async (
    role: 'server' | 'worker',
    environment: Record<string, string> = {},
    under: string[] = [],
  ): Promise<Program> => {
    const [file, ...args] = under
    const entry = join(ROOT, `packages/server/src/bin/${role}.ts`)
    const program = startProgram({
      command: file === undefined ? [process.execPath, entry] : [file, ...args, process.execPath, entry],
      environment: { ...ownEnvironment, ...environment },
      logFile: join(directory, `${role}-${programs.length + 1}.log`),
    })
    programs.push(program)
    await program.said(/FlowForge (worker )?is ready/)
    return program
  }
  return {
    ...createPerson({ url: `http://127.0.0.1:${port}`, token: token! }),
    directory,
    dataDirectory,
    masterKey,
    postgres,
    model,
    startServer: environment => start('server', environment),
    startWorker: (environment, under) => start('worker', environment, under),
    stop: async () => {
      const running = programs.filter(program => !program.hasEnded())
      // A frozen one hears no SIGTERM.
      for (const program of running) program.kill('SIGCONT')
      const exits = await Promise.all(running.map(async program => ({ program, code: await program.stop() })))
      await postgres.end('SIGINT')
      await model.close()
      await options.cleanUp?.()
      const left = await leftovers(directory)
      await removeContainers(directory)
      const unclean = exits.filter(({ code }) => code !== 0)
      const logs = unclean.map(({ code, program }) => `exit ${code}:\n${program.output().slice(-3000)}`)
      await rm(directory, { recursive: true, force: true })
      if (logs.length > 0) throw new Error(`a process did not end well: ${logs.join('\n')}`)
      if (left.length > 0) throw new Error(`left behind: ${left.join('; ')}`)
    },
  }
}
