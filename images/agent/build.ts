// The command behind `script/setup image`: builds what is missing and says which image this checkout uses.
import { homedir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { BuildFailure } from './failure.ts'
import { ensureAgentImage } from './image.ts'
import { writeAgentImage } from './reference.ts'

const root = join(import.meta.dirname, '../..')
const say = (line: string) => console.error(`  ${'image'.padEnd(9)} ${line}`)

function proxies(): Record<string, string> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']
  return Object.fromEntries(names.flatMap(name => (process.env[name] ? [[name, process.env[name]]] : [])))
}

try {
  const started = performance.now()
  const image = await ensureAgentImage({
    docker: new Docker(),
    root,
    runnerEntries: { main: 'packages/runner/src/main.ts', relay: 'packages/runner/src/relay-main.ts' },
    cacheDirectory: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'flowforge'),
    mirror: process.env.FLOWFORGE_DEBIAN_MIRROR || undefined,
    from: process.env.FLOWFORGE_AGENT_BASE_IMAGE || undefined,
    proxies: proxies(),
    report: say,
  })
  await writeAgentImage(root, image.reference)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const size = `${Math.round(image.sizeBytes / 1e6)} MB`
  say(`${image.reference} (${size})${image.built ? `, built in ${seconds} s` : ''}`)
} catch (error) {
  const advice =
    error instanceof BuildFailure ? error.advice : 'Run script/setup again; if it stays, report it.'
  const cause = error instanceof Error && error.cause instanceof Error ? `\n(${error.cause.message})` : ''
  console.error(`\n${error instanceof Error ? error.message : error}\n${advice}${cause}`)
  process.exitCode = 1
}
