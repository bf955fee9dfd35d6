// Makes the base image where no registry answers: Debian from its package mirror, put together on this machine. Needs
// Debian or Ubuntu, and root or sudo.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { execa } from 'execa'
import { tagImage } from './docker-build.ts'
import { BuildFailure } from './failure.ts'
import { messagesOf } from './progress.ts'

const UNWANTED = ['doc', 'man', 'info', 'locale', 'lintian', 'bug']

/**
 * mmdebstrap rather than debootstrap: one pass takes the newest version from the release and its security updates, and
 * its tar streams straight into Docker.
 */
export async function bootstrapBase(options: {
  docker: Docker
  root: string
  packages: string[]
  suite: string
  /** Undefined: the one that mmdebstrap knows, with updates and security updates. */
  mirror: string | undefined
  tag: string
}): Promise<void> {
  const { docker, packages, suite, mirror, tag } = options
  await ensureMmdebstrap(options.root)
  const scratch = await mkdtemp(join(tmpdir(), 'flowforge-base-'))
  try {
    const aptOptions = join(scratch, 'apt.conf')
    await writeFile(aptOptions, await hostAptOptions())
    const args = [
      '--variant=minbase',
      '--quiet',
      `--include=${packages.join(',')}`,
      `--aptopt=${aptOptions}`,
      '--dpkgopt=force-unsafe-io',
      ...UNWANTED.map(name => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
      // The host's proxies and certificates are of no use in the image, and may hold a password.
      '--customize-hook=rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap',
      '--customize-hook=find "$1"/var/log -type f -delete',
      suite,
      '-',
      ...(mirror === undefined ? [] : sourcesAt(mirror, suite)),
    ]
    await importWhatItMakes(docker, args, tag)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const sourcesAt = (mirror: string, suite: string): string[] => [
  `deb ${mirror} ${suite} main`,
  `deb ${mirror} ${suite}-updates main`,
  `deb ${mirror.replace(/\/+$/, '')}-security ${suite}-security main`,
]

/** Tagged only after mmdebstrap ended well: a tar that was cut short must not look like a base. */
async function importWhatItMakes(docker: Docker, args: string[], tag: string): Promise<void> {
  const [command, ...rest] = asRoot(['mmdebstrap', ...args])
  const making = execa(command!, rest, { stdin: 'ignore', buffer: { stdout: false }, encoding: 'buffer' })
  const imported = docker
    .importImage(making.stdout as unknown as string)
    .then(answer => messagesOf(docker, answer))
    .then(messages => messages.findLast(message => message.status?.startsWith('sha256:'))?.status)
  const [made, id] = await Promise.allSettled([making, imported])
  const image = id.status === 'fulfilled' ? id.value : undefined
  if (made.status === 'rejected' || !image) {
    if (image)
      await docker
        .getImage(image)
        .remove()
        .catch(() => undefined)
    const cause: unknown = made.status === 'rejected' ? made.reason : id.status === 'rejected' && id.reason
    throw new BuildFailure(
      'The base image could not be put together with mmdebstrap.',
      'Check that the Debian mirror answers (FLOWFORGE_DEBIAN_MIRROR names another), then run script/setup again.',
      cause,
    )
  }
  await tagImage(docker, image, tag)
}

async function ensureMmdebstrap(root: string): Promise<void> {
  const found = await execa('mmdebstrap', ['--version'], { reject: false })
  if (found.exitCode === 0) return
  try {
    await execa(join(root, 'script/lib/apt-install'), ['mmdebstrap', 'debian-archive-keyring'], {
      stdin: 'ignore',
    })
  } catch (cause) {
    throw new BuildFailure(
      'No registry answers, and mmdebstrap, which makes the base image without one, could not be installed.',
      'Give Docker a registry (FLOWFORGE_AGENT_BASE_IMAGE names an image), or see docs/guides/agent-image.md.',
      cause,
    )
  }
}

/** How this machine reaches its mirrors: proxies, certificates, tolerated dates. */
async function hostAptOptions(): Promise<string> {
  const dump = await execa('apt-config', ['dump'], { reject: false })
  const wanted = /^Acquire::(http|https|ftp|Check-Valid-Until|Check-Date|Retries)\b/
  return `${(dump.stdout ?? '')
    .split('\n')
    .filter(line => wanted.test(line) && !line.endsWith(' "";'))
    .join('\n')}\n`
}

const asRoot = (command: string[]) => (process.getuid?.() === 0 ? command : ['sudo', '-n', '--', ...command])
