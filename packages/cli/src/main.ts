// The entry of the CLI: the only file that reads the process's variables, arguments and streams.
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { isatty } from 'node:tty'

// The second start finds its files compiled; costs nothing where no cache can be written.
enableCompileCache()

// Whoever reads our output may stop early (`| head`): that is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

const { runProgram } = await import('./program.ts')
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** Ctrl-C means what it means everywhere else in the program. */
async function askAtKeyboard(text: string, signal: AbortSignal): Promise<string | undefined> {
  const { createInterface } = await import('node:readline/promises')
  const keyboard = createInterface({ input: process.stdin, output: process.stdout })
  keyboard.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    return await keyboard.question(text, { signal })
  } catch {
    return undefined
  } finally {
    keyboard.close()
    process.stdin.pause()
  }
}

process.exitCode = await runProgram(process.argv.slice(2), {
  world: {
    environment: process.env,
    cwd: process.cwd(),
    home: homedir(),
    isRoot: process.getuid?.() === 0,
    stdinIsTerminal: isatty(0),
    readStdin: async () => (await import('node:stream/consumers')).text(process.stdin),
    ...(isatty(0) ? { ask: askAtKeyboard } : {}),
    nowMs: Date.now,
  },
  stdout: process.stdout,
  stderr: process.stderr,
  version,
})
