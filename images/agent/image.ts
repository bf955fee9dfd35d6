// The agent image: its tag from all that goes into it, and its three layers built when the tag is not there.
//   base    Debian with packages.txt                 changes with the list
//   tools   Node.js, npm, Claude Code, settings      changes with the pinned versions
//   agent   the runner's bundle                      changes with every edit
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { ensureBase, hasImage, SUITE } from './base-image.ts'
import { buildImage, readLines } from './docker-build.ts'
import { BuildFailure } from './failure.ts'
import { type Architecture, findLinuxPackages, pinnedVersions } from './linux-packages.ts'
import { AGENT_IMAGE_REPOSITORY } from './reference.ts'
import { bundleRunner, type RunnerBundle } from './runner-bundle.ts'

export interface AgentImageOptions {
  docker: Docker
  root: string
  /** The runner's entry file, below the root. */
  runnerEntries: { main: string; relay: string }
  /** Where packages for the image are kept between builds. */
  cacheDirectory: string
  mirror: string | undefined
  from: string | undefined
  proxies: Record<string, string>
  report(line: string): void
}

export interface AgentImage {
  reference: string
  sizeBytes: number
  built: boolean
}

interface Plan {
  arch: Architecture
  packages: string[]
  base: string
  tools: string
  agent: string
  bundle: RunnerBundle
}

export async function ensureAgentImage(options: AgentImageOptions): Promise<AgentImage> {
  const { docker } = options
  const plan = await planImage(options)
  const built = !(await hasImage(docker, plan.agent))
  if (built) {
    if (!(await hasImage(docker, plan.tools))) await buildTools(options, plan)
    options.report('adding the runner')
    await buildImage(docker, {
      dockerfile: 'Dockerfile',
      from: plan.tools,
      tags: [plan.agent, `${AGENT_IMAGE_REPOSITORY}:latest`],
      network: 'none',
      contents: (await plan.bundle.files()).map(file => ({
        name: `runner/${file.name}`,
        bytes: file.contents,
      })),
    })
  }
  const { Size } = await docker.getImage(plan.agent).inspect()
  return { reference: plan.agent, sizeBytes: Size, built }
}

async function planImage(options: AgentImageOptions): Promise<Plan> {
  const { root } = options
  const folder = import.meta.dirname
  const read = (name: string) => readFile(join(folder, name), 'utf8')
  const arch = await architectureOf(options.docker)
  const packages = await readLines(join(folder, 'packages.txt'))
  const bundle = await bundleRunner({
    root,
    entries: options.runnerEntries,
    stampFile: join(root, '.cache/agent-runner.json'),
  })
  const base = hashOf(
    arch,
    SUITE,
    packages,
    options.from ?? '',
    await read('Dockerfile.base'),
    await read('bootstrap.ts'),
  )
  const tools = hashOf(
    base,
    await pinnedVersions(root, arch),
    await read('Dockerfile.tools'),
    await read('managed-settings.json'),
    await read('gitconfig'),
  )
  const agent = hashOf(tools, await read('Dockerfile'), bundle.hash)
  return {
    arch,
    packages,
    bundle,
    base: `flowforge/agent-base:${base}`,
    tools: `flowforge/agent-tools:${tools}`,
    agent: `${AGENT_IMAGE_REPOSITORY}:${agent}`,
  }
}

async function buildTools(options: AgentImageOptions, plan: Plan): Promise<void> {
  const { docker, root, cacheDirectory, report } = options
  await ensureBase({ ...options, packages: plan.packages, tag: plan.base })
  report('adding Node.js and Claude Code')
  const found = await findLinuxPackages({ root, arch: plan.arch, cacheDirectory })
  const folder = import.meta.dirname
  await buildImage(docker, {
    dockerfile: 'Dockerfile.tools',
    from: plan.base,
    tags: [plan.tools],
    network: 'none',
    contents: [
      { name: 'claude', file: found.claudeBinary, executable: true },
      { name: 'node', file: found.nodeBinary, executable: true },
      { name: 'npm', directory: found.npmDirectory },
      { name: 'managed-settings.json', file: join(folder, 'managed-settings.json') },
      { name: 'gitconfig', file: join(folder, 'gitconfig') },
    ],
  })
}

async function architectureOf(docker: Docker): Promise<Architecture> {
  const { Arch } = await docker.version()
  if (Arch === 'amd64') return 'x64'
  if (Arch === 'arm64') return 'arm64'
  throw new BuildFailure(
    `Docker runs on ${Arch}; there is no Claude Code for it.`,
    'Use a Docker Engine on amd64 or arm64 (DOCKER_HOST).',
  )
}

/** Twelve hex digits over all parts. */
function hashOf(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
}
