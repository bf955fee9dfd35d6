// A whole FlowForge of a test's own, and what a person does with it: start, submit, watch, stop. Real processes, Docker,
// Git and Claude Code; only the model is scripted. Knows nothing of any one scenario.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createScriptedModel,
  type ScriptedModel,
  type ScriptedModelOptions,
} from '../packages/scripted-model/src/server.ts'
import { freePort, type Program, startProgram } from '../script/lib/program.ts'
import { startCli } from './cli.ts'
import { leftovers } from './leftovers.ts'
import { createPerson, type Person } from './person.ts'

export const ROOT = join(import.meta.dirname, '..')

export interface SystemOptions {
  environment?: Record<string, string>
  model?: ScriptedModelOptions
  /** Before the first start, with the system's directory; its data folder will be `d` there. */
  prepare?: (directory: string) => Promise<void>
  /** After the end, before the directory is removed. */
  cleanUp?: () => Promise<void>
}

export interface System extends Person {
  /** Stands for a real key of Claude's: whoever finds it in a container has found a leak. */
  claudeKey: string
  directory: string
  model: ScriptedModel
  /** Of the newest start. */
  server(): Program
  cli(args: string[], options?: { cwd?: string; input?: string }): ReturnType<typeof startCli>
  /** After the server was killed. */
  startAgain(): Promise<void>
  /** Ends everything, and fails when something of it is left on this machine. */
  stop(): Promise<void>
}

export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const { environment = {}, model: script, prepare, cleanUp } = options
  const directory = await makeDirectory()
  await prepare?.(directory)
  const claudeKey = `sk-canary-${directory.slice(-6)}`
  const token = `ffk_e2e_${directory.slice(-6)}_0123456789`
  const model = await createScriptedModel({ pace: 0, apiKey: claudeKey, ...script })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const serverEnvironment = {
    ...basics(directory),
    FLOWFORGE_DATA_DIR: join(directory, 'd'),
    FLOWFORGE_BOOTSTRAP_TOKEN: token,
    FLOWFORGE_PORT: String(port),
    ANTHROPIC_API_KEY: claudeKey,
    ANTHROPIC_BASE_URL: model.url,
    ...environment,
  }
  const servers: Program[] = []
  const startServer = async () => {
    const logFile = join(directory, `server-${servers.length + 1}.log`)
    const server = startProgram({
      command: [join(ROOT, 'flowforge'), 'up'],
      environment: serverEnvironment,
      logFile,
    })
    servers.push(server)
    await server.said(/FlowForge is ready at/)
  }
  try {
    await startServer()
  } catch (error) {
    // Whoever asked gets no system to stop.
    if (!servers[0]!.hasEnded()) await servers[0]!.stop()
    await model.close()
    await cleanUp?.()
    await rm(directory, { recursive: true, force: true })
    throw error
  }
  return {
    ...createPerson({ url, token }),
    claudeKey,
    directory,
    model,
    server: () => servers.at(-1)!,
    cli: (args, options = {}) =>
      startCli(args, {
        cwd: directory,
        environment: { ...basics(directory), FLOWFORGE_URL: url, FLOWFORGE_TOKEN: token },
        ...options,
      }),
    startAgain: startServer,
    stop: async () => {
      const exitCode = servers.at(-1)!.hasEnded() ? 0 : await servers.at(-1)!.stop()
      await model.close()
      await cleanUp?.()
      const left = await leftovers(directory)
      const log = servers.at(-1)!.output()
      await rm(directory, { recursive: true, force: true })
      if (exitCode !== 0) throw new Error(`the server ended with ${exitCode}:\n${log.slice(-3000)}`)
      if (left.length > 0) throw new Error(`left behind: ${left.join('; ')}`)
    },
  }
}

/** Short: a socket's path has 107 bytes at most. Passable, since Postgres runs as another user. */
export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ffe-'))
  await chmod(directory, 0o711)
  return directory
}

/** Nothing of the tester's own settings. */
export const basics = (home: string): Record<string, string> => ({
  HOME: home,
  ...Object.fromEntries(
    ['PATH', 'TMPDIR', 'DOCKER_HOST', 'NODE_COMPILE_CACHE'].flatMap(name => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  ),
})
