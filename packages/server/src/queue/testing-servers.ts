// Real brokers for tests: servers of the system's packages as child processes, each with a folder, ports and names of its
// own, so that nothing is shared with what runs on this machine, and nothing is left when a test ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

export interface TestServer {
  url: string
  port: number
  /** `SIGKILL` by default: brokers are to be killed, too. Resolves when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Stands still as it is, connections and all, until `SIGCONT`. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** On the same port and folder as before; resolves when it answers. */
  start(): Promise<void>
  /** Stops it and removes its folder. */
  close(): Promise<void>
}

const START_TIMEOUT_MS = 60_000

/** Keeps nothing on disk: a restart is a loss of everything in it. */
export async function startRedis(): Promise<TestServer> {
  const [port] = await freePorts(1)
  const directory = await mkdtemp(join(tmpdir(), 'ff-redis-'))
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  return startServer({
    url: `redis://127.0.0.1:${port}`,
    port: port!,
    directory,
    launch: () => [launch('redis-server', [...options, '--dir', directory])],
    answers: () => speaks(port!, 'PING\r\n', '+PONG'),
  })
}

/** Erlang's own name server comes along as a child on a port of its own, since RabbitMQ would leave it behind. */
export async function startRabbit(): Promise<TestServer> {
  const [port, distributionPort, namesPort] = await freePorts(3)
  const directory = await mkdtemp(join(tmpdir(), 'ff-rabbit-'))
  await writeFile(join(directory, 'enabled_plugins'), '[].')
  // Low water marks of a shared machine must not block publishers; small logs make quick starts.
  await writeFile(
    join(directory, 'rabbitmq.conf'),
    ['disk_free_limit.absolute = 1MB', `listeners.tcp.1 = 127.0.0.1:${port}`, 'log.console = true', ''].join(
      '\n',
    ),
  )
  await writeFile(join(directory, 'advanced.config'), '[{ra, [{wal_max_size_bytes, 8388608}]}].')
  const environment = {
    PATH: process.env.PATH,
    HOME: directory,
    ERL_EPMD_PORT: String(namesPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `ff${port}@localhost`,
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(directory, 'data'),
    RABBITMQ_LOG_BASE: join(directory, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(directory, 'advanced.config'),
    RABBITMQ_CONF_ENV_FILE: join(directory, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
    RABBITMQ_PID_FILE: join(directory, 'pid'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(directory, 'config'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none',
    // Runs Erlang in place of the script, so that a signal reaches it.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
  return startServer({
    url: `amqp://127.0.0.1:${port}`,
    port: port!,
    directory,
    launch: () => [
      launch('epmd', ['-port', String(namesPort), '-address', '127.0.0.1'], environment),
      launch('/usr/lib/rabbitmq/bin/rabbitmq-server', [], environment),
    ],
    // The greeting of AMQP 0-9-1 is answered with the frame connection.start.
    answers: () => speaks(port!, 'AMQP\0\0\x09\x01', '\x01\0\0'),
  })
}

interface Launched {
  child: ChildProcess
  exited: Promise<unknown>
  output(): string
}

function launch(
  program: string,
  options: string[],
  environment?: Record<string, string | undefined>,
): Launched {
  const child = spawn(program, options, {
    env: environment ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (part: Buffer) => {
    output = (output + part).slice(-4000)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  // A test process that ends in the middle takes its servers with it.
  const killWithUs = () => void child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const exited = new Promise(resolve => {
    child.once('exit', resolve)
    child.once('error', error => {
      output += error.message
      resolve(error)
    })
  }).finally(() => process.off('exit', killWithUs))
  return { child, exited, output: () => output }
}

async function startServer(server: {
  url: string
  port: number
  directory: string
  /** The last one is the server; those before serve it. */
  launch: () => Launched[]
  answers: () => Promise<boolean>
}): Promise<TestServer> {
  let running: Launched[] = []
  const start = async () => {
    running = server.launch()
    const main = running.at(-1)!
    let ended = false
    main.exited.then(() => {
      ended = true
    })
    const until = performance.now() + START_TIMEOUT_MS
    while (!(await server.answers())) {
      if (ended || performance.now() > until) {
        const said = main.output()
        await stop()
        throw new Error(`${server.url} did not start: ${said}`)
      }
      await delay(25)
    }
  }
  const stop = async (signal: NodeJS.Signals = 'SIGKILL') => {
    const ending = running.reverse()
    running = []
    for (const [place, { child, exited }] of ending.entries()) {
      child.kill(place === 0 ? signal : 'SIGTERM')
      await exited
    }
  }
  await start()
  return {
    url: server.url,
    port: server.port,
    start,
    stop,
    signal: signal => void running.at(-1)?.child.kill(signal),
    close: async () => {
      await stop()
      await rm(server.directory, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Whether something at this port answers a greeting as expected. */
async function speaks(port: number, greeting: string, answer: string): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    const signal = AbortSignal.timeout(2_000)
    await once(socket, 'connect', { signal })
    socket.write(greeting, 'latin1')
    const [heard] = await once(socket, 'data', { signal })
    return String(heard).startsWith(answer)
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** All taken at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const probe = createServer().listen(0, '127.0.0.1')
      await once(probe, 'listening')
      return probe
    }),
  )
  const ports = probes.map(probe => (probe.address() as { port: number }).port)
  await Promise.all(
    probes.map(async probe => {
      probe.close()
      await once(probe, 'close')
    }),
  )
  return ports
}
