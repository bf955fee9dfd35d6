// One `docker build` through the Engine's API: a Dockerfile of this folder and what it copies, streamed as a tar.
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import { type Pack, pack } from 'tar-stream'
import { BuildFailure } from './failure.ts'
import { messagesOf } from './progress.ts'

/** `name` is the path in the build's context. */
export type ContextEntry =
  | { name: string; bytes: Uint8Array }
  | { name: string; file: string; executable?: boolean }
  | { name: string; directory: string }

export interface BuildOptions {
  dockerfile: 'Dockerfile' | 'Dockerfile.tools' | 'Dockerfile.base'
  from: string
  tags: [string, ...string[]]
  network: 'none' | 'default'
  buildArguments?: Record<string, string>
  contents: ContextEntry[]
}

/** Of what a build said before it failed. */
const SHOWN_LINES = 15

export async function buildImage(docker: Docker, options: BuildOptions): Promise<void> {
  const context = pack()
  const body = new PassThrough()
  const filled = fill(context, [
    { name: 'Dockerfile', file: join(import.meta.dirname, options.dockerfile) },
    ...options.contents,
  ])
  // A file that can't be read ends the stream with its error, so that Docker does not wait for the rest.
  filled.catch(error => context.destroy(error))
  pipeline(context, body).catch(() => undefined)
  const stream = await docker.buildImage(body, {
    t: options.tags[0],
    networkmode: options.network,
    buildargs: { FROM: options.from, ...options.buildArguments },
    rm: true,
    forcerm: true,
  })
  const said: string[] = []
  try {
    await Promise.all([filled, messagesOf(docker, stream, ({ stream: text }) => said.push(text ?? ''))])
  } catch (error) {
    throw new BuildFailure(
      `The image ${options.tags[0]} could not be built: ${(error as Error).message}`,
      `It said:\n${said.join('').trim().split('\n').slice(-SHOWN_LINES).join('\n')}`,
    )
  }
  for (const tag of options.tags.slice(1)) {
    await tagImage(docker, options.tags[0], tag)
  }
}

/** `reference` is a repository and a tag: `flowforge/agent:latest`. */
export async function tagImage(docker: Docker, image: string, reference: string): Promise<void> {
  const [repo = reference, tag = 'latest'] = reference.split(':')
  await docker.getImage(image).tag({ repo, tag })
}

async function fill(context: Pack, entries: ContextEntry[]): Promise<void> {
  for (const entry of entries) {
    if ('bytes' in entry) await addBytes(context, entry.name, entry.bytes)
    else if ('directory' in entry) await addDirectory(context, entry.name, entry.directory)
    else await addFile(context, entry.name, entry.file, entry.executable ?? false)
  }
  context.finalize()
}

// Times, owners and modes are fixed: Docker's build cache and the image depend on contents alone.
const FIXED = { uid: 0, gid: 0, mtime: new Date(0) }

async function addBytes(context: Pack, name: string, bytes: Uint8Array): Promise<void> {
  const entry = context.entry({ ...FIXED, name, size: bytes.length, mode: 0o644 })
  await new Promise<void>((resolve, reject) => {
    entry.on('error', reject).on('finish', resolve)
    entry.end(bytes)
  })
}

async function addFile(context: Pack, name: string, file: string, executable: boolean): Promise<void> {
  const { size } = await stat(file)
  const entry = context.entry({ ...FIXED, name, size, mode: executable ? 0o755 : 0o644 })
  await pipeline(createReadStream(file), entry)
}

async function addDirectory(context: Pack, name: string, directory: string): Promise<void> {
  for (const child of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, child.name)
    if (child.isDirectory()) await addDirectory(context, `${name}/${child.name}`, path)
    else if (child.isFile()) await addFile(context, `${name}/${child.name}`, path, await isExecutable(path))
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return ((await stat(file)).mode & 0o111) !== 0
}

export const readLines = async (file: string): Promise<string[]> =>
  (await readFile(file, 'utf8')).split('\n').filter(Boolean)
