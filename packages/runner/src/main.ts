// The program inside the container: reads its few variables, runs one attempt, exits. The only reader of process.env here.
import { mkdirSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CONTAINER_ENVIRONMENT, CONTAINER_PATHS } from '@flowforge/protocol'
import { addressOf, type GatewayAddress } from './dial.ts'
import { EXIT_CODES, type Stop } from './failure.ts'
import { signalAllGroups } from './process.ts'
import { runAttempt } from './run.ts'

const RUNNER_VERSION = '0.1.0'
const RELAY_PORT = 7421
const CLAUDE_EXECUTABLE = '/usr/local/bin/claude'
/** Docker kills ten seconds after its TERM; the runner is gone long before. */
const TERM_LIMIT_MS = 4000
const PATIENCE_MS = 5 * 60_000

const read = (name: string): string | undefined => process.env[name] || undefined

const gatewayAddress = (): GatewayAddress => {
  const url = read(CONTAINER_ENVIRONMENT.url)
  if (url !== undefined) return addressOf(url)
  return { socketPath: read(CONTAINER_ENVIRONMENT.socket) ?? CONTAINER_PATHS.gatewaySocket }
}

const OWN_VARIABLES = /^(FLOWFORGE_|NODE_COMPILE_CACHE$)/

/** What the image sets, without what is FlowForge's own. */
const inheritedEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !OWN_VARIABLES.test(entry[0]),
    ),
  )

/** The SDK warns that this permission mode asks nothing; it asks what a person has to decide, which is all that is wanted. */
const SHADOWED = 'CLAUDE_SDK_CAN_USE_TOOL_SHADOWED'
process.removeAllListeners('warning')
process.on('warning', warning => {
  if (!('code' in warning && warning.code === SHADOWED)) process.stderr.write(`${warning}\n`)
})

const loadSdk = () => import('./agent-sdk.ts')

// For the image's build: fills NODE_COMPILE_CACHE, which takes a good part off each container's start.
if (process.argv[2] === '--warm-up') {
  await loadSdk()
  flushCompileCache()
  process.exit(EXIT_CODES.settled)
}

const token = read(CONTAINER_ENVIRONMENT.token)
if (token === undefined) {
  process.stderr.write(
    `${CONTAINER_ENVIRONMENT.token} is not set: this program only runs in an attempt's container\n`,
  )
  process.exit(EXIT_CODES.notSettled)
}
const terminated = new AbortController()
const terminate = () => {
  if (terminated.signal.aborted) return
  terminated.abort({ kind: 'terminated' } satisfies Stop)
  setTimeout(() => {
    signalAllGroups('SIGKILL')
    process.exit(EXIT_CODES.terminated)
  }, TERM_LIMIT_MS).unref()
}
process.on('SIGTERM', terminate)
process.on('SIGINT', terminate)

const stateDirectory = read(CONTAINER_ENVIRONMENT.stateDirectory) ?? CONTAINER_PATHS.runnerState
mkdirSync(stateDirectory, { recursive: true, mode: 0o700 })
const exitCode = await runAttempt({
  address: gatewayAddress(),
  token,
  relayPort: Number(read('FLOWFORGE_RELAY_PORT') ?? RELAY_PORT),
  repository: read('FLOWFORGE_REPOSITORY_DIRECTORY') ?? CONTAINER_PATHS.repository,
  stateDirectory,
  // The program's own directory in the image: read-only, and without a `.claude`.
  trustedConfigDirectory: dirname(fileURLToPath(import.meta.url)),
  claudeExecutable: read('FLOWFORGE_CLAUDE_EXECUTABLE') ?? CLAUDE_EXECUTABLE,
  loadSdk,
  inheritedEnvironment: inheritedEnvironment(),
  runnerVersion: RUNNER_VERSION,
  patienceMs: Number(read('FLOWFORGE_PATIENCE_MS') ?? PATIENCE_MS),
  signal: terminated.signal,
  log: message => process.stderr.write(`${message}\n`),
})
process.exit(exitCode)
