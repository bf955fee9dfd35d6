import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundleRunner } from './runner-bundle.ts'

let root: string
const stampFile = () => join(root, '.cache/stamp.json')
const write = (name: string, text: string) => writeFile(join(root, name), text)
const bundle = () =>
  bundleRunner({ root, entries: { main: 'main.ts', relay: 'relay.ts' }, stampFile: stampFile() })

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'runner-bundle-'))
  await write('package-lock.json', '{}')
  await write('main.ts', "import { word } from './word.ts'\nconsole.log(word, await import('./later.ts'))\n")
  await write('word.ts', "export const word = 'first'\n")
  await write('relay.ts', 'export {}\n')
  await write('later.ts', "export const later = 'kept out of the start'\n")
})
afterEach(() => rm(root, { recursive: true, force: true }))

describe("the runner's bundle", () => {
  it('starts from runner.mjs and keeps dynamic imports in files of their own', async () => {
    const files = await (await bundle()).files()
    const main = files.find(file => file.name === 'main.mjs')!
    expect(files.map(file => file.name)).toEqual([
      expect.stringMatching(/^later|^chunk/),
      'main.mjs',
      'relay.mjs',
      'runner.mjs',
    ])
    expect(Buffer.from(main.contents).toString()).not.toContain('kept out of the start')
  })

  it('keeps its hash while nothing changed, and says so without bundling', async () => {
    const first = await bundle()
    await write('unrelated.ts', 'export {}\n')
    expect((await bundle()).hash).toBe(first.hash)
  })

  it('changes its hash with any source, and takes the old one back with the old source', async () => {
    const first = await bundle()
    await write('word.ts', "export const word = 'another'\n")
    expect((await bundle()).hash).not.toBe(first.hash)
    await write('word.ts', "export const word = 'first'\n")
    expect((await bundle()).hash).toBe(first.hash)
  })

  it('does not trust a stamp that was cut short', async () => {
    const first = await bundle()
    await writeFile(stampFile(), '{"hash": "x"')
    expect((await bundle()).hash).toBe(first.hash)
    await writeFile(stampFile(), '{"hash": "x"}')
    expect((await bundle()).hash).toBe(first.hash)
  })

  it('notices a source that is gone', async () => {
    await bundle()
    await rm(join(root, 'word.ts'))
    await expect(bundle()).rejects.toThrow(/word\.ts/)
  })
})
