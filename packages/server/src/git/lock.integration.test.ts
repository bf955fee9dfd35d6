// The lock across processes, with real ones.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { withLock } from './lock.ts'
import { temporaryDirectory } from './test-host.ts'

vi.setConfig({ testTimeout: 30_000 })

/** Holds the lock until it is killed; resolves once it has it. */
async function holdElsewhere(file: string) {
  const code = `
    import { withLock } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)}
    await withLock(${JSON.stringify(file)}, undefined, () => { console.log('held'); return new Promise(resolve => setTimeout(resolve, 60_000)) })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise(resolve => child.stdout.once('data', resolve))
  return child
}

test('the lock is free the moment its holder is killed', async () => {
  await using temporary = await temporaryDirectory()
  const file = join(temporary.path, 'lock')
  const child = await holdElsewhere(file)
  let held = false
  const waiting = withLock(file, undefined, async () => {
    held = true
  })
  await expect(withLock(file, AbortSignal.timeout(100), async () => {})).rejects.toThrow('timeout')
  expect(held).toBe(false)
  child.kill('SIGKILL')
  await waiting
  expect(held).toBe(true)
})

test('callers within one process take turns', async () => {
  await using temporary = await temporaryDirectory()
  const file = join(temporary.path, 'lock')
  let inside = 0
  let most = 0
  const turn = () =>
    withLock(file, undefined, async () => {
      most = Math.max(most, ++inside)
      await new Promise(resolve => setImmediate(resolve))
      inside--
    })
  await Promise.all(Array.from({ length: 8 }, turn))
  expect(most).toBe(1)
})

test('the lock is free again after a failure', async () => {
  await using temporary = await temporaryDirectory()
  const file = join(temporary.path, 'lock')
  await expect(withLock(file, undefined, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(await withLock(file, undefined, async () => 'again')).toBe('again')
})

test('a lock that can not be made is an error, not a hang', async () => {
  await expect(withLock('/nonexistent/lock', undefined, async () => {})).rejects.toMatchObject({
    code: 'unavailable',
  })
})
