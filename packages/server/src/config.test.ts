import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readConfig, VERSION } from './config.ts'
import { isFlowForgeError } from './errors.ts'

const refusal = (environment: Record<string, string>): string => {
  try {
    readConfig(environment)
  } catch (error) {
    if (isFlowForgeError(error, 'config_invalid')) return error.message
    throw error
  }
  return 'was taken'
}

describe('the configuration', () => {
  test('needs nothing', () => {
    expect(readConfig({})).toMatchObject({
      port: 7420,
      host: '127.0.0.1',
      publicUrl: 'http://127.0.0.1:7420',
      databaseUrl: null,
      queue: null,
      redisUrl: null,
      executor: 'docker',
      claude: { apiKey: null, baseUrl: 'https://api.anthropic.com' },
    })
  })

  test.each([
    ['amqp://localhost', 'rabbitmq'],
    ['amqps://me:secret@broker.example.org/here', 'rabbitmq'],
    ['redis://localhost:6380/2', 'redis'],
    ['rediss://localhost', 'redis'],
  ])('rings by %s through %s', (url, kind) => {
    expect(readConfig({ FLOWFORGE_QUEUE_URL: url })).toMatchObject({ queue: { kind, url }, redisUrl: null })
  })

  test('takes the socket on Linux, the network where containers run in a virtual machine, and what one chose', () => {
    expect(readConfig({}, 'linux').gateway).toEqual({ mode: 'socket', chosen: false })
    expect(readConfig({}, 'darwin').gateway).toEqual({ mode: 'network', chosen: false })
    expect(readConfig({ FLOWFORGE_GATEWAY_MODE: 'network' }, 'linux').gateway).toEqual({
      mode: 'network',
      chosen: true,
    })
  })

  test.each([
    ['FLOWFORGE_PORT', '0'],
    ['FLOWFORGE_PORT', '70000'],
    ['FLOWFORGE_PORT', 'http'],
    ['FLOWFORGE_PUBLIC_URL', 'flowforge.example.org'],
    ['FLOWFORGE_PUBLIC_URL', 'javascript:alert(1)'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['FLOWFORGE_EXECUTOR', 'podman'],
    ['FLOWFORGE_CONCURRENCY', '0'],
    ['FLOWFORGE_CONCURRENCY', '1.5'],
    ['FLOWFORGE_SPARE_CONTAINERS', '-1'],
    ['FLOWFORGE_BOOTSTRAP_TOKEN', 'short'],
    ['FLOWFORGE_MASTER_KEY', 'not base64!'],
    ['FLOWFORGE_MASTER_KEY', 'c2hvcnQ='],
    ['FLOWFORGE_LEASE_SECONDS', '1'],
    ['FLOWFORGE_LOG_LEVEL', 'loud'],
    ['FLOWFORGE_GATEWAY_MODE', 'tcp'],
    ['ANTHROPIC_BASE_URL', 'ftp://example.org'],
    ['FLOWFORGE_QUEUE_URL', 'kafka://localhost'],
    ['FLOWFORGE_QUEUE_URL', 'rabbitmq'],
    ['REDIS_URL', 'amqp://localhost'],
    ['FLOWFORGE_STORAGE_URL', 'file:///srv/objects'],
    ['FLOWFORGE_STORAGE_URL', 's3://key:secret@bucket'],
    ['FLOWFORGE_STORAGE_URL', 's3://bucket?pathStyle=perhaps'],
  ])('names %s when it is %s', (name, value) => {
    expect(refusal({ [name]: value })).toContain(name)
  })

  test('keeps objects in the data folder, or in the bucket that one names', () => {
    expect(readConfig({ FLOWFORGE_DATA_DIR: '/srv/flowforge' }).storage).toEqual({
      kind: 'files',
      directory: '/srv/flowforge/objects',
    })
    const bucket = { FLOWFORGE_STORAGE_URL: 's3://bucket/prefix' }
    expect(readConfig(bucket).storage).toMatchObject({ location: { bucket: 'bucket' }, credentials: null })
    const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }
    expect(readConfig({ ...bucket, ...keys }).storage).toMatchObject({
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    })
  })

  test('names every bad variable at once, and no value of a secret one', () => {
    const message = refusal({
      FLOWFORGE_PORT: 'x',
      FLOWFORGE_MASTER_KEY: 'secret!',
      FLOWFORGE_BOOTSTRAP_TOKEN: 'hunter2',
    })
    expect(message.split('\n')).toHaveLength(4)
    expect(message).not.toMatch(/secret!|hunter2/)
  })

  test('takes an empty variable for an unset one', () => {
    expect(readConfig({ FLOWFORGE_PORT: '', ANTHROPIC_API_KEY: '' })).toMatchObject({
      port: 7420,
      claude: { apiKey: null },
    })
  })

  test.each([
    ['0.0.0.0', 'http://127.0.0.1:7420'],
    ['::1', 'http://[::1]:7420'],
    ['build.example.org', 'http://build.example.org:7420'],
  ])('opened on %s is reached at %s', (host, url) => {
    expect(readConfig({ FLOWFORGE_HOST: host }).publicUrl).toBe(url)
  })

  test('can not be changed afterwards', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true)
  })

  test('tells the version of the package', () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    expect(VERSION).toBe(manifest.version)
  })
})
