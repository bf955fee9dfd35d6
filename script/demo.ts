// `script/demo`: starts everything on the embedded default, runs one real job on a sample repository, and shows it as a
// person would watch it. Set-up has been done. Leaves nothing running; with --keep it waits for Ctrl-C first.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { createFlowForge, type FlowForge, type Job, type JobEvent } from '@flowforge/sdk'
import { claimPlace, DemoFailure, makeSampleRepository, preparePlace, ROOT } from './lib/demo/place.ts'
import { renderTimeline } from './lib/demo/timeline.ts'
import { freePort, type Program, startProgram } from './lib/program.ts'

const HELP = `Usage: script/demo [--keep]

Runs one job from end to end and shows it: real Claude Code, in a real container, on a sample repository.
Without ANTHROPIC_API_KEY the answers come from the scripted model.

  --keep   leave FlowForge running afterwards, until Ctrl-C`

const TASK = 'The total on invoices is sometimes a cent off. Find the bug, fix it and add a test.'
const VERIFY = 'node --test'
/** Slow enough to read along, fast enough to stay. */
const PACE = '0.4'

interface Demo {
  folder: string
  url: string
  flowforge: FlowForge
  /** What the programs that belong to it are started with. */
  environment: Record<string, string | undefined>
}

const stopping = new AbortController()
const started: Program[] = []
let demo: Demo | undefined
/** Printed by the very first start on a data folder. */
let signUpLink: string | undefined

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    say(HELP)
    return 0
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => stopping.abort(signal))
  try {
    demo = await start()
    const succeeded = await runJob(demo)
    if (values.keep && !stopping.signal.aborted) await keep(demo)
    return stopping.signal.aborted && !values.keep ? 130 : succeeded ? 0 : 1
  } finally {
    await stopAll()
  }
}

async function start(): Promise<Demo> {
  const folder = await preparePlace()
  const claim = await claimPlace(folder)
  say(styleText('bold', 'FlowForge demo'))
  field('Data', folder)
  const claude = await chooseClaude(folder)
  const port = await freePort(7420)
  const url = `http://127.0.0.1:${port}`
  const environment = { ...inherited(), FLOWFORGE_DATA_DIR: folder, FLOWFORGE_URL: url }
  const began = performance.now()
  const server = startProgram({
    command: [join(ROOT, 'flowforge'), 'up'],
    environment: { ...environment, ...claude, FLOWFORGE_PORT: String(port) },
    logFile: join(folder, 'server.log'),
  })
  started.push(server)
  await claim(url)
  await unlessStopped(server.said(/is ready at/))
  field('Server', `${url}  ready in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  signUpLink = /first time: (\S+)/.exec(server.output())?.[1]
  const token = (await readFile(join(folder, 'cli-token'), 'utf8')).trim()
  return { folder, url, environment, flowforge: createFlowForge({ baseUrl: url, token }) }
}

/** With a key the real Claude answers, else the scripted model; either is said. */
async function chooseClaude(folder: string): Promise<Record<string, string>> {
  const key = process.env.ANTHROPIC_API_KEY
  if (key) {
    field('Model', 'Claude, with your ANTHROPIC_API_KEY: this costs some cents')
    return { ANTHROPIC_API_KEY: key }
  }
  const model = startProgram({
    command: [process.execPath, join(ROOT, 'packages/scripted-model/src/main.ts'), '--pace', PACE],
    environment: inherited(),
    logFile: join(folder, 'model.log'),
  })
  started.push(model)
  const [, url] = await unlessStopped(model.said(/scripted model at (\S+)/))
  field('Model', `${styleText('yellow', 'the scripted model, not Claude')}: ANTHROPIC_API_KEY is not set`)
  return { ANTHROPIC_API_KEY: 'scripted', ANTHROPIC_BASE_URL: url! }
}

/** The demo stands on the defaults, whatever the shell is set up for. */
function inherited(): Record<string, string | undefined> {
  const { DATABASE_URL, REDIS_URL, ...rest } = process.env
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith('FLOWFORGE_')))
}

async function runJob(running: Demo): Promise<boolean> {
  const repository = await makeSampleRepository(running.folder)
  field('Sample', repository)
  say(`\n${styleText('bold', `$ flowforge run "${TASK}" --repo . --verify "${VERIFY}"`)}`)
  const exitCode = await flowforge(running, ['run', TASK, '--repo', '.', '--verify', VERIFY], repository)
  const job = await newestJob(running)
  if (stopping.signal.aborted || !job) return false
  say(`\n${styleText('bold', 'Timeline')}`)
  for (const line of renderTimeline(await eventsOf(running, job))) say(line)
  say(`\n${styleText('bold', 'Diff')}`)
  await flowforge(running, ['job', 'diff', String(job.number)], repository)
  say(`\n${styleText('bold', 'Console')}  ${running.url}/jobs/${job.number}`)
  if (exitCode !== 0)
    say(`\nThe job did not succeed. The server's log: ${join(running.folder, 'server.log')}`)
  return exitCode === 0
}

async function newestJob({ flowforge }: Demo): Promise<Job | undefined> {
  for await (const job of flowforge.jobs.list({ limit: 1 })) return job
  return undefined
}

async function eventsOf({ flowforge }: Demo, job: Job): Promise<JobEvent[]> {
  const events: JobEvent[] = []
  for await (const event of flowforge.jobs.events(job.id)) events.push(event)
  return events
}

/** The CLI as a user has it, on this terminal. */
function flowforge({ environment }: Demo, args: string[], cwd: string): Promise<number | null> {
  // A group of its own: else Ctrl-C would reach it too, and it would detach with a word of its own.
  const child = spawn(join(ROOT, 'flowforge'), args, {
    cwd,
    env: environment,
    stdio: 'inherit',
    detached: true,
  })
  const stop = () => child.kill('SIGTERM')
  stopping.signal.addEventListener('abort', stop)
  return new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code))
  }).finally(() => stopping.signal.removeEventListener('abort', stop))
}

async function keep({ folder, url }: Demo): Promise<void> {
  say(`\n${styleText('bold', 'FlowForge goes on')} at ${url}`)
  if (signUpLink) say(`  Sign in once with ${signUpLink}`)
  say(`  Sign in with the key that this shows: cat ${join(folder, 'cli-token')}`)
  say(`  From a shell: export FLOWFORGE_URL=${url} FLOWFORGE_DATA_DIR=${folder}`)
  say('  Ctrl-C stops it.')
  const interrupted = new Promise<void>(resolve => {
    if (stopping.signal.aborted) resolve()
    stopping.signal.addEventListener('abort', () => resolve())
  })
  const ended = Promise.race(started.map(program => program.ended)).then(() => {
    throw new DemoFailure(`The server has ended by itself. Its log: ${join(folder, 'server.log')}`)
  })
  // Asked for or not, all programs end at last.
  ended.catch(() => {})
  await Promise.race([interrupted, ended])
}

/** A job that still runs is cancelled, so that the server need not wait for it; then everything ends, last started first. */
async function stopAll(): Promise<void> {
  if (stopping.signal.aborted) say(`${process.stdout.isTTY ? '\r\u001b[2K' : ''}Stopping.`)
  if (demo && stopping.signal.aborted) {
    const { flowforge } = demo
    for (const state of ['queued', 'running'] as const)
      for await (const job of flowforge.jobs.list({ state }))
        await flowforge.jobs.cancel(job.id).catch(() => {})
  }
  for (const program of started.reverse()) await program.stop()
}

/** Ctrl-C must not wait for something to become ready. */
function unlessStopped<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new DemoFailure('Stopped before everything was ready.'))
    if (stopping.signal.aborted) stop()
    stopping.signal.addEventListener('abort', stop)
    promise.then(resolve, error => reject(new DemoFailure((error as Error).message)))
  })
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const field = (name: string, value: string): void => say(`  ${styleText('dim', name.padEnd(7))} ${value}`)

main().then(
  code => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error instanceof DemoFailure ? error.message : error.stack}\n`)
    process.exit(stopping.signal.aborted ? 130 : 1)
  },
)
