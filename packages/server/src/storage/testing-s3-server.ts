// A real S3 server for the tests, on a folder: it checks signatures and takes uploads in parts. script/test installs it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { S3Options } from './s3.ts'

const CACHE = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
/** The version that script/lib/s3-server.sh installs. */
const PROGRAM = join(CACHE, 'flowforge/versitygw/1.8.0/versitygw')
const CREDENTIALS = { accessKeyId: 'flowforge', secretAccessKey: 'only-for-tests' }
export const BUCKET = 'flowforge-test'

/** Why it can not run here, or null. */
export const noS3Server: string | null = existsSync(PROGRAM)
  ? null
  : 'no S3 server: it is built with Go, run script/test where that is'

export interface TestS3Server {
  options: S3Options
  /** As `FLOWFORGE_STORAGE_URL` and the variables beside it. */
  environment: Record<string, string>
  /** Where its objects lie, as files below the bucket. */
  directory: string
  stop(): Promise<void>
  /** On the same port, with the same objects. */
  start(): Promise<void>
  /** Ends it and removes what it kept. */
  close(): Promise<void>
}

export async function startTestS3Server(): Promise<TestS3Server> {
  const home = await mkdtemp(join(tmpdir(), 'ff-s3-'))
  const [directory, sidecar] = [join(home, 'objects'), join(home, 'facts')]
  // A folder below its root is a bucket.
  await mkdir(join(directory, BUCKET), { recursive: true })
  await mkdir(sidecar)
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  let server: ChildProcess | undefined

  const start = async (): Promise<void> => {
    const { accessKeyId, secretAccessKey } = CREDENTIALS
    server = spawn(
      PROGRAM,
      ['--port', `127.0.0.1:${port}`, '--health', '/health', 'posix', '--sidecar', sidecar, directory],
      {
        stdio: 'ignore',
        env: { PATH: process.env.PATH, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
      },
    )
    await untilItAnswers(`${endpoint}/health`, server)
  }
  const stop = async (): Promise<void> => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  await start()
  return {
    options: {
      ...{ bucket: BUCKET, prefix: '', endpoint, region: 'us-east-1', pathStyle: true },
      credentials: CREDENTIALS,
    },
    environment: {
      FLOWFORGE_STORAGE_URL: `s3://${BUCKET}?endpoint=${endpoint}`,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    },
    directory: join(directory, BUCKET),
    stop,
    start,
    close: async () => {
      await stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function untilItAnswers(url: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (server.exitCode !== null) throw new Error(`the S3 server ended with ${server.exitCode}`)
    const answer = await fetch(url).catch(() => null)
    if (answer?.ok) return
    await pause(50)
  }
  throw new Error('the S3 server did not start')
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
