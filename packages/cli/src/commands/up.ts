// flowforge up: becomes the server. The process is replaced, so signals, exit code and terminal are the server's own.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineCommand } from '../command.ts'
import { CliFailure } from '../failure.ts'
import { ALL_IN_ONE } from '../server-entries.ts'
import { parsePort } from '../values.ts'

/**
 * What the heap keeps for short-lived objects. Fifty watchers of a job with 1,000 events a second: 198 MB with it, 311 MB
 * where Node.js chooses.
 */
const YOUNG_SPACE = '--max-semi-space-size=8'

export interface UpFlags {
  port?: number
  host?: string
  dataDir?: string
}

export const command = defineCommand<UpFlags, UpFlags>({
  describe: command =>
    command
      .option('--port <port>', 'port to listen on (FLOWFORGE_PORT, 7420)', parsePort)
      .option('--host <address>', 'address to listen on (FLOWFORGE_HOST, 127.0.0.1)')
      .option('--data-dir <folder>', 'where everything is kept (FLOWFORGE_DATA_DIR)'),
  parse: (_args, flags) => flags,
  run: async (flags, context) => {
    if (!existsSync(ALL_IN_ONE)) {
      throw new CliFailure('The server is not part of this installation.', {
        next: 'Run it from a checkout of FlowForge, or from its container image.',
      })
    }
    if (!process.execve) throw new CliFailure('flowforge up needs Linux or macOS.')
    const environment = { ...definedOnly(context.environment), ...serverVariables(flags, context.cwd) }
    const command = [process.execPath, ...process.execArgv, YOUNG_SPACE, ALL_IN_ONE]
    return process.execve(process.execPath, command, environment)
  },
})

export function serverVariables({ port, host, dataDir }: UpFlags, cwd: string): Record<string, string> {
  return {
    ...(port === undefined ? {} : { FLOWFORGE_PORT: String(port) }),
    ...(host === undefined ? {} : { FLOWFORGE_HOST: host }),
    ...(dataDir === undefined ? {} : { FLOWFORGE_DATA_DIR: resolve(cwd, dataDir) }),
  }
}

const definedOnly = (environment: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
