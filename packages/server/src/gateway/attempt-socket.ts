// Where an attempt's container finds the gateway: a Unix socket in a directory of its own, or a TCP port where no
// socket can be mounted. Knows nothing of what is served there.
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo, ListenOptions, Server } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { CONTAINER_PATHS } from '@flowforge/protocol'
import { FlowForgeError } from '../errors.ts'
import { type AttemptServerOptions, createAttemptServer } from './attempt-server.ts'

export interface AttemptSocket {
  /** Bind-mounted read-only into the container: a socket file that is mounted itself would be dead after a restart. */
  directory: string
  socketPath: string
  /** Stops serving and leaves the directory, so that another worker can serve a running container from it. */
  close(): Promise<void>
  /** For an attempt that has ended: `close`, and the directory goes. */
  remove(): Promise<void>
}

export interface AttemptListener {
  port: number
  /** Stops serving and keeps the port in mind, so that another worker can serve a running container on it. */
  close(): Promise<void>
  /** For an attempt that has ended: `close`, and the directory goes. */
  remove(): Promise<void>
}

const SOCKET_NAME = basename(CONTAINER_PATHS.gatewaySocket)
/** `sockaddr_un` holds 108 bytes with the final NUL. */
const MAX_SOCKET_PATH_BYTES = 107

/** Opens, or after a restart re-opens, the attempt's directory and serves on a socket in it. */
export async function openAttemptSocket(
  options: AttemptServerOptions & { directory: string },
): Promise<AttemptSocket> {
  const { directory } = options
  const socketPath = join(directory, SOCKET_NAME)
  refuseLongPath(socketPath)
  await makeDirectory(directory)

  const { server, close: closeServer } = createAttemptServer(options)
  // Bound under another name and moved into place: the path never lacks a socket while one worker takes over from
  // another, and the server that is closed later can't remove its successor's (libuv unlinks what it has bound).
  const boundPath = join(directory, `.${randomBytes(4).toString('hex')}`)
  await listen(server, { path: boundPath })
  // The container's user is not ours; who may reach the directory is decided by its parent and by the token.
  await chmod(boundPath, 0o666)
  await rename(boundPath, socketPath)

  return {
    directory,
    socketPath,
    // The path stays, dead as after a crash, until a successor's takes its place: whoever looks whether it is still his own
    // before he removes it may remove the one that was moved there in between, and the container would be cut off for ever.
    close: closeServer,
    remove: async () => {
      await closeServer()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/**
 * The same server on a TCP port of this address: any free one, and after a restart the same again, since a container that
 * runs knows no other. The directory holds its number.
 */
export async function openAttemptListener(
  options: AttemptServerOptions & { host: string; directory: string },
): Promise<AttemptListener> {
  const { host, directory } = options
  await makeDirectory(directory)
  const portFile = join(directory, 'port')
  const { server, close } = createAttemptServer(options)
  await listen(server, { host, port: Number(await readFile(portFile, 'utf8').catch(() => '0')) })
  const { port } = server.address() as AddressInfo
  await writeFile(portFile, String(port))
  return {
    port,
    close,
    remove: async () => {
      await close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function refuseLongPath(socketPath: string): void {
  const length = Buffer.byteLength(socketPath)
  if (length <= MAX_SOCKET_PATH_BYTES) return
  throw new FlowForgeError(
    'config_invalid',
    `The gateway's socket path is ${length} bytes long, but the system allows ${MAX_SOCKET_PATH_BYTES}: ${socketPath}. Choose a shorter FLOWFORGE_DATA_DIR.`,
  )
}

async function makeDirectory(directory: string): Promise<void> {
  await mkdir(dirname(directory), { recursive: true, mode: 0o700 })
  await mkdir(directory, { recursive: true })
  // Whatever the umask made of it: the container's user has to pass.
  await chmod(directory, 0o755)
}

function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new FlowForgeError(
              'port_taken',
              `The gateway can not listen on ${JSON.stringify(where)}: it is taken.`,
              {
                cause: error,
              },
            )
          : error,
      )
    })
    server.listen(where, () => resolve())
  })
}
