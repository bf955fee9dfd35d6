// Which server, which key.
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { configPath, readConfig, writeConfig } from './config-file.ts'
import { chooseServer, parseServerUrl } from './server-address.ts'
import { chooseToken, dataDirectory, type TokenSources } from './token.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowforge-connection-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const HERE = { url: 'http://127.0.0.1:7420', isLoopback: true }
const THERE = { url: 'https://flowforge.example.org', isLoopback: false }
const sources = (more: Partial<TokenSources>): TokenSources => ({
  server: HERE,
  readStdin: undefined,
  environment: {},
  config: { tokens: {} },
  dataDirectory: folder,
  ...more,
})

test('the flag wins over the variable, the variable over the sign-in, and the default is here', () => {
  const all = { flag: 'http://a', variable: 'http://b', configured: 'http://c' }
  expect(chooseServer(all).url).toBe('http://a')
  expect(chooseServer({ ...all, flag: undefined }).url).toBe('http://b')
  expect(chooseServer({ ...all, flag: undefined, variable: '' }).url).toBe('http://c')
  expect(chooseServer({ flag: undefined, variable: undefined, configured: undefined })).toEqual(HERE)
})

test('an address is an HTTP address without secrets', () => {
  expect(parseServerUrl('https://example.org/flowforge/').url).toBe('https://example.org/flowforge')
  expect(
    ['http://localhost:1', 'http://[::1]:1', 'http://127.9.9.9'].map(url => parseServerUrl(url).isLoopback),
  ).toEqual([true, true, true])
  expect(parseServerUrl('http://127.0.0.1.example.org').isLoopback).toBe(false)
  for (const wrong of ['7420', 'ftp://x', 'file:///etc', 'http://u:p@x', ''])
    expect(() => parseServerUrl(wrong)).toThrow()
})

test('stdin, then the variable, then the sign-in', async () => {
  const config = { tokens: { [HERE.url]: 'ffk_config' } }
  const environment = { FLOWFORGE_TOKEN: 'ffk_variable' }
  const readStdin = async () => ' ffk_stdin\n'
  expect(await chooseToken(sources({ config, environment, readStdin }))).toBe('ffk_stdin')
  expect(await chooseToken(sources({ config, environment }))).toBe('ffk_variable')
  expect(await chooseToken(sources({ config }))).toBe('ffk_config')
  await expect(chooseToken(sources({ readStdin: async () => '\n' }))).rejects.toThrow('empty')
})

test("a server on this machine leaves its owner a key; it is sent nowhere else, nor is another server's", async () => {
  await writeFile(join(folder, 'cli-token'), 'ffk_local\n', { mode: 0o600 })
  expect(await chooseToken(sources({}))).toBe('ffk_local')
  const config = { tokens: { [HERE.url]: 'ffk_here' } }
  expect(await chooseToken(sources({ server: THERE, config }))).toBeUndefined()
})

test('the data folder is the one that the server uses', () => {
  expect(dataDirectory({ FLOWFORGE_DATA_DIR: '/d' }, '/home/a', true)).toBe('/d')
  expect(dataDirectory({}, '/root', true)).toBe('/var/lib/flowforge')
  expect(dataDirectory({}, '/home/a', false)).toBe('/home/a/.flowforge')
})

test('the config file is for its owner alone, also when it replaces one that was not', async () => {
  const path = configPath({ XDG_CONFIG_HOME: folder }, '/nowhere')
  await mkdir(join(folder, 'flowforge'))
  await writeFile(path, '{}', { mode: 0o644 })
  await writeConfig(path, { url: 'http://a', tokens: { 'http://a': 'ffk_1' } })
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readConfig(path)).toEqual({ url: 'http://a', tokens: { 'http://a': 'ffk_1' } })
  expect(await readFile(path, 'utf8')).toContain('ffk_1')
})

test('a damaged config file says which it is; a missing one is empty', async () => {
  expect(await readConfig(join(folder, 'none.json'))).toEqual({ tokens: {} })
  for (const damage of ['{', 'null']) {
    await writeFile(join(folder, 'bad.json'), damage)
    await expect(readConfig(join(folder, 'bad.json'))).rejects.toThrow('bad.json is damaged')
  }
})
