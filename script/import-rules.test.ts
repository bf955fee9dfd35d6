// The import rules bite: each one is broken once, in a small tree of its own.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import rules from '../.dependency-cruiser.ts'

const SERVER = 'packages/server/src'

/** A file that imports another, and the rule that this breaks. */
const BREACHES: [rule: string, importer: string, imported: string][] = [
  ['protocol-imports-nothing', 'packages/protocol/src/job.ts', `${SERVER}/errors.ts`],
  ['runner-imports-protocol-alone', 'packages/runner/src/main.ts', `${SERVER}/errors.ts`],
  ['scripted-model-imports-nothing', 'packages/scripted-model/src/main.ts', 'packages/protocol/src/job.ts'],
  ['clients-use-the-api-alone', 'packages/web/src/main.tsx', `${SERVER}/jobs/submit.ts`],
  ['clients-use-the-api-alone', 'packages/cli/src/main.ts', 'packages/protocol/src/job.ts'],
  ['sdks-stand-alone', 'sdks/typescript/src/index.ts', 'packages/protocol/src/job.ts'],
  ['server-does-not-import-other-programs', `${SERVER}/jobs/submit.ts`, 'packages/runner/src/main.ts'],
  ['jobs-know-their-own-ports', `${SERVER}/jobs/submit.ts`, `${SERVER}/git/mirrors.ts`],
  ['postgres-adapters-know-the-store', `${SERVER}/queue/postgres.ts`, `${SERVER}/git/mirrors.ts`],
  ['adapters-know-their-port', `${SERVER}/git/mirrors.ts`, `${SERVER}/store/jobs.ts`],
  ['store-knows-sql-alone', `${SERVER}/store/jobs.ts`, `${SERVER}/jobs/submit.ts`],
  ['gateway-and-http-stay-apart', `${SERVER}/gateway/claude.ts`, `${SERVER}/http/app.ts`],
  ['only-http-knows-http', `${SERVER}/live/sse.ts`, `${SERVER}/http/app.ts`],
  ['only-bin-wires', `${SERVER}/http/app.ts`, `${SERVER}/bin/server.ts`],
  ['packages-stand-alone', `${SERVER}/bin/server.ts`, 'script/demo.ts'],
  ['no-test-support-in-product', `${SERVER}/git/mirrors.ts`, `${SERVER}/git/testing.ts`],
]

const ALLOWED: [importer: string, imported: string][] = [
  ['packages/cli/src/main.ts', 'sdks/typescript/src/index.ts'],
  ['packages/runner/src/main.ts', 'packages/protocol/src/job.ts'],
  [`${SERVER}/jobs/submit.ts`, `${SERVER}/store/jobs.ts`],
  [`${SERVER}/queue/postgres.ts`, `${SERVER}/store/listener.ts`],
  [`${SERVER}/git/mirrors.ts`, `${SERVER}/errors.ts`],
  [`${SERVER}/gateway/claude.ts`, `${SERVER}/jobs/submit.ts`],
  [`${SERVER}/bin/server.ts`, `${SERVER}/http/app.ts`],
  [`${SERVER}/queue/postgres.integration.test.ts`, `${SERVER}/store/testing.ts`],
]

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-rules-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the import rules', () => {
  it.each(BREACHES)('%s: %s must not import %s', async (rule, importer, imported) => {
    const tree = await plant({ [importer]: imported })
    expect(await brokenRules(tree)).toContain(rule)
  })

  it.each(ALLOWED)('%s may import %s', async (importer, imported) => {
    const tree = await plant({ [importer]: imported })
    expect(await brokenRules(tree)).toEqual([])
  })

  it('two files that import each other are a cycle, also by types alone', async () => {
    const tree = await plant({
      'packages/runner/src/a.ts': 'packages/runner/src/b.ts',
      'packages/runner/src/b.ts': 'packages/runner/src/a.ts',
    })
    expect(await brokenRules(tree)).toEqual(['no-cycles'])
  })
})

/** Makes a tree in which each key imports a type from its value. */
async function plant(imports: Record<string, string>): Promise<string> {
  const tree = await mkdtemp(join(folder, 'tree-'))
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(tree, path)), { recursive: true })
    await writeFile(join(tree, path), text)
  }
  for (const imported of Object.values(imports)) await put(imported, 'export type X = 1\n')
  for (const [importer, imported] of Object.entries(imports)) {
    const up = '../'.repeat(importer.split('/').length - 1)
    await put(importer, `import type { X } from '${up}${imported}'\nexport type Y = X\n`)
  }
  return tree
}

async function brokenRules(tree: string): Promise<string[]> {
  const { forbidden, options } = rules
  const { output } = await cruise(['.'], {
    ...options,
    baseDir: tree,
    validate: true,
    ruleSet: { forbidden },
  } as Parameters<typeof cruise>[1])
  return [...new Set((output as ICruiseResult).summary.violations.map(violation => violation.rule.name))]
}
