// A FlowForge of its own for a benchmark: scripted model and `flowforge up` as processes, in a temporary data folder.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const ROOT = join(import.meta.dirname, '..')

export interface System {
  url: string
  token: string
  directory: string
  image: string
  model: Model
  /** Server, worker and Postgres together; shared pages of Postgres are counted once. */
  residentMegabytes(): Promise<number>
  stop(): Promise<void>
}

export interface Model {
  url: string
  apiKey: string
  forget(): Promise<void>
  /** Milliseconds since the epoch at which the first message was asked for since `forget`. */
  firstMessageAt(): Promise<number>
}

export async function startSystem({
  prefix,
  environment = {},
}: {
  prefix: string
  environment?: Record<string, string>
}): Promise<System> {
  const directory = await mkdtemp(join(tmpdir(), prefix))
  // Postgres runs as another user and has to pass.
  await chmod(directory, 0o711)
  const apiKey = 'sk-bench'
  const modelProcess = startNode(
    ['packages/scripted-model/src/main.ts', '--port', '0', '--pace', '0', '--api-key', apiKey],
    {},
  )
  const modelUrl = (await lineOf(modelProcess, /scripted model at (\S+)/))[1]!
  const token = 'bench-token-0123456789'
  const port = await freePort()
  const server = startNode(['packages/server/src/bin/all-in-one.ts'], {
    FLOWFORGE_DATA_DIR: join(directory, 'data'),
    FLOWFORGE_BOOTSTRAP_TOKEN: token,
    FLOWFORGE_PORT: String(port),
    FLOWFORGE_LOG_LEVEL: 'warn',
    ANTHROPIC_API_KEY: apiKey,
    ANTHROPIC_BASE_URL: modelUrl,
    ...environment,
  })
  const url = (await lineOf(server, /FlowForge is ready at (\S+)/))[1]!
  return {
    url,
    token,
    directory,
    image: readFileSync(join(ROOT, '.cache', 'agent-image'), 'utf8').trim(),
    model: modelClient(modelUrl, apiKey),
    residentMegabytes: async () => familyMegabytes(server.pid!),
    stop: async () => {
      await end(server)
      await end(modelProcess)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function modelClient(url: string, apiKey: string): Model {
  return {
    url,
    apiKey,
    forget: async () => void (await fetch(`${url}/_/requests`, { method: 'DELETE' })),
    firstMessageAt: async () => {
      const { requests } = (await (await fetch(`${url}/_/requests`)).json()) as { requests: Recorded[] }
      const first = requests.find(request => request.path.startsWith('/v1/messages'))
      if (!first) throw new Error('the model was not asked')
      return Date.parse(first.at)
    },
  }
}
interface Recorded {
  at: string
  path: string
}

const startNode = (args: string[], environment: Record<string, string>): ChildProcess =>
  spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })

async function lineOf(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const match = pattern.exec(line)
    if (match) {
      child.stdout!.resume()
      return match
    }
  }
  throw new Error(`a process ended before it said ${pattern}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Proportional set size, which shares out pages that several processes map: proc_pid_smaps(5). */
function familyMegabytes(pid: number): number {
  const pss = (of: number) =>
    Number(/^Pss:\s+(\d+) kB/m.exec(readProcess(of, 'smaps_rollup'))?.[1] ?? 0) / 1024
  return [pid, ...postgresProcesses(pid)].reduce((sum, of) => sum + pss(of), 0)
}

/** The postmaster is a child of the server or was left by an earlier one; its children are the backends. */
function postgresProcesses(serverPid: number): number[] {
  const children = (of: number) =>
    readProcess(of, `task/${of}/children`).split(' ').filter(Boolean).map(Number)
  return children(serverPid).flatMap(child => [child, ...children(child)])
}

/** Empty when the process has ended meanwhile. */
function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
