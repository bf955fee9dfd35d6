// What a command is given: the outside world as values, and the way to the server. The commands read no variables.
import type { FlowForge } from '@flowforge/sdk'
import { configPath, readConfig } from './connection/config-file.ts'
import { chooseServer, type ServerAddress } from './connection/server-address.ts'
import { chooseToken, dataDirectory } from './connection/token.ts'
import type { FailurePlace } from './failure.ts'
import type { Output } from './output/output.ts'

export interface World {
  environment: Record<string, string | undefined>
  cwd: string
  home: string
  isRoot: boolean
  stdinIsTerminal: boolean
  readStdin: () => Promise<string>
  /** Asks the person at the keyboard; undefined when `signal` aborts. Absent where stdin is no terminal. */
  ask?: (text: string, signal: AbortSignal) => Promise<string | undefined>
  nowMs: () => number
}

export interface GlobalFlags {
  url?: string
  tokenStdin?: boolean
  json?: boolean
}

export interface Connection extends ServerAddress {
  token: string | undefined
  flowforge: FlowForge
}

export interface Context extends World {
  output: Output
  flags: GlobalFlags
  configPath: string
  /** The server that is meant; makes no request. */
  server(): Promise<ServerAddress>
  connect(options?: { maxRetries?: number }): Promise<Connection>
  connectWith(server: ServerAddress, token: string | undefined, maxRetries?: number): Promise<Connection>
  /** For the words of a failure. */
  place(): FailurePlace | undefined
}

export function createContext(world: World, flags: GlobalFlags, output: Output): Context {
  const path = configPath(world.environment, world.home)
  let place: FailurePlace | undefined

  const server = async () => {
    const configured = (await readConfig(path)).url
    return chooseServer({ flag: flags.url, variable: world.environment.FLOWFORGE_URL, configured })
  }
  const connectWith = async (address: ServerAddress, token: string | undefined, maxRetries?: number) => {
    place = { ...address, hasToken: token !== undefined }
    const { createFlowForge } = await import('@flowforge/sdk')
    const flowforge = createFlowForge({
      baseUrl: address.url,
      token,
      // On this machine a server is up or it is not; elsewhere a moment's patience may help.
      maxRetries: maxRetries ?? (address.isLoopback ? 1 : 3),
    })
    return { ...address, token, flowforge }
  }
  return {
    ...world,
    output,
    flags,
    configPath: path,
    server,
    connectWith,
    connect: async ({ maxRetries } = {}) => {
      const address = await server()
      const token = await chooseToken({
        server: address,
        readStdin: flags.tokenStdin ? world.readStdin : undefined,
        environment: world.environment,
        config: await readConfig(path),
        dataDirectory: dataDirectory(world.environment, world.home, world.isRoot),
      })
      return connectWith(address, token, maxRetries)
    },
    place: () => place,
  }
}
