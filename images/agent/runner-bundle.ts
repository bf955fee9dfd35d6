// Bundles the runner into the files that the image holds. Knows esbuild; knows nothing of Docker.
import { createHash } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

export interface BundleFile {
  name: string
  contents: Uint8Array
}

export interface RunnerBundle {
  /** Hash of all files: the part of the image's tag that changes with the runner. */
  hash: string
  files(): Promise<BundleFile[]>
}

interface Stamp {
  hash: string
  /** Path below the root, size and time of change of every file that went into the bundle. */
  inputs: [path: string, size: number, mtimeMs: number][]
}

/**
 * Bundling takes 0.3 s, so its hash is remembered in `stampFile` with size and time of all inputs; while these stay the
 * same, nothing is bundled unless someone asks for the files.
 */
export async function bundleRunner(options: {
  root: string
  entries: { main: string; relay: string }
  stampFile: string
}): Promise<RunnerBundle> {
  const stamp = await readStamp(options.stampFile)
  if (stamp && (await isCurrent(options.root, stamp))) {
    return { hash: stamp.hash, files: async () => (await bundle(options)).files }
  }
  const { files, inputs } = await bundle(options)
  const hash = hashOf(files)
  await mkdir(dirname(options.stampFile), { recursive: true })
  await writeFile(
    options.stampFile,
    JSON.stringify({ hash, inputs: await describe(options.root, inputs) } satisfies Stamp),
  )
  return { hash, files: async () => files }
}

/** What the image starts. The cache is filled while the image is built: loading the Agent SDK is most of the runner's start. */
const START = `import { enableCompileCache } from 'node:module'
enableCompileCache('/opt/flowforge/compile-cache')
await import('./main.mjs')
`

async function bundle({ root, entries }: { root: string; entries: Record<string, string> }) {
  const { build } = await import('esbuild')
  const result = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: '/opt/flowforge',
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // What the runner imports dynamically stays out of its start.
    splitting: true,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    // Names stay readable for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    banner: {
      js: "import{createRequire as createRequireOfBundle}from'node:module';const require=createRequireOfBundle(import.meta.url);",
    },
    logLevel: 'silent',
  })
  const files = result.outputFiles.map(file => ({
    name: relative('/opt/flowforge', file.path),
    contents: file.contents,
  }))
  files.push({ name: 'runner.mjs', contents: Buffer.from(START) })
  files.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { files, inputs: Object.keys(result.metafile.inputs) }
}

function hashOf(files: BundleFile[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file.name}\0${file.contents.length}\0`).update(file.contents)
  return hash.digest('hex')
}

async function describe(root: string, inputs: string[]): Promise<Stamp['inputs']> {
  // The lock file stands for what a bundle's metafile does not name: versions and `exports` of packages.
  const own = ['package-lock.json', relative(root, import.meta.filename)]
  const files = [...inputs.filter(path => !path.startsWith('(disabled)')), ...own]
  return Promise.all(
    files.map(async (path): Promise<[string, number, number]> => {
      const { size, mtimeMs } = await stat(join(root, path))
      return [path, size, mtimeMs]
    }),
  )
}

async function isCurrent(root: string, stamp: Stamp): Promise<boolean> {
  const same = stamp.inputs.map(async ([path, size, mtimeMs]) => {
    const now = await stat(join(root, path)).catch(() => undefined)
    return now?.size === size && now.mtimeMs === mtimeMs
  })
  return (await Promise.all(same)).every(Boolean)
}

async function readStamp(file: string): Promise<Stamp | undefined> {
  try {
    const stamp = JSON.parse(await readFile(file, 'utf8'))
    return Array.isArray(stamp.inputs) ? stamp : undefined
  } catch {
    return undefined // None yet, or cut short: bundle anew.
  }
}
