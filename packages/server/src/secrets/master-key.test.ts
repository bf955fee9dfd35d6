import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { loadMasterKey } from './master-key.ts'

const MAKER = fileURLToPath(new URL('testing-key-maker.ts', import.meta.url))

const directory = () => {
  const made = mkdtempSync(join(tmpdir(), 'ff-key-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('a configured key is used as it is, and no file is made', () => {
  const dataDirectory = directory()
  const key = Buffer.alloc(32, 7)
  expect(loadMasterKey({ configured: key.toString('base64'), dataDirectory })).toEqual(key)
  expect(readdirSync(dataDirectory)).toEqual([])
})

test('three processes that start at once agree on one key, which its owner alone can read', async () => {
  const dataDirectory = directory()
  const make = async () => (await promisify(execFile)(process.execPath, [MAKER, dataDirectory])).stdout
  const keys = await Promise.all([make(), make(), make()])
  expect(new Set(keys).size).toBe(1)
  expect(readdirSync(dataDirectory)).toEqual(['master-key'])
  expect(statSync(join(dataDirectory, 'master-key')).mode & 0o777).toBe(0o600)
  expect(loadMasterKey({ configured: null, dataDirectory }).toString('base64')).toBe(keys[0]?.trim())
})

test.each(['', 'short', Buffer.alloc(31).toString('base64')])('a file that holds "%s" is refused', text => {
  const dataDirectory = directory()
  writeFileSync(join(dataDirectory, 'master-key'), text)
  expect(() => loadMasterKey({ configured: null, dataDirectory })).toThrow('Restore it from your backup')
})
