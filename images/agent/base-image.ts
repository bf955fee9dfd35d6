// The image's base: Debian with the packages of packages.txt. Pulled where a registry answers, else put together here.
import type Docker from 'dockerode'
import { bootstrapBase } from './bootstrap.ts'
import { buildImage } from './docker-build.ts'
import { BuildFailure } from './failure.ts'
import { messagesOf } from './progress.ts'

export const SUITE = 'bookworm'
const DEFAULT_FROM = 'debian:bookworm-slim'
/** A registry that says nothing for so long counts as not there. */
const PULL_SILENCE_MS = 5_000

export interface BaseOptions {
  docker: Docker
  root: string
  packages: string[]
  mirror: string | undefined
  /** A base that Docker has or can pull, given by the user; then nothing else is tried. */
  from: string | undefined
  /** Proxy variables for the package installation inside Docker. */
  proxies: Record<string, string>
  tag: string
  report(line: string): void
}

export async function ensureBase(options: BaseOptions): Promise<void> {
  const { docker, tag, report } = options
  if (await hasImage(docker, tag)) return
  const from = options.from ?? DEFAULT_FROM
  const problem = (await hasImage(docker, from)) ? undefined : await pull(docker, from)
  if (problem === undefined) {
    report(`making the base from ${from}`)
    await buildFrom(options, from)
  } else if (options.from === undefined) {
    report(`${from} can't be pulled; making the base from Debian's packages`)
    await bootstrapBase({ ...options, suite: SUITE })
  } else {
    throw new BuildFailure(
      `${from} can't be pulled.`,
      'Check the name in FLOWFORGE_AGENT_BASE_IMAGE, and whether Docker may pull it.',
      problem,
    )
  }
}

export async function hasImage(docker: Docker, reference: string): Promise<boolean> {
  try {
    await docker.getImage(reference).inspect()
    return true
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false
    throw error
  }
}

/** Gives the reason why it could not be pulled. */
async function pull(docker: Docker, reference: string): Promise<Error | undefined> {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), PULL_SILENCE_MS)
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), PULL_SILENCE_MS * 6)
  }
  try {
    const stream = await docker.pull(reference, { abortSignal: silence.signal })
    await messagesOf(docker, stream, heard)
    return undefined
  } catch (error) {
    return error as Error
  } finally {
    clearTimeout(timer)
  }
}

async function buildFrom({ docker, packages, proxies, tag }: BaseOptions, from: string): Promise<void> {
  await buildImage(docker, {
    dockerfile: 'Dockerfile.base',
    from,
    tags: [tag],
    network: 'default',
    buildArguments: proxies,
    contents: [{ name: 'packages.txt', bytes: Buffer.from(`${packages.join('\n')}\n`) }],
  })
}
