// The executor's contract as tests, one for each sentence of `port.ts`. Every executor runs it; each says how it makes a
// container do what a test needs.
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ContainerHandle, ContainerSpec, Executor } from './port.ts'

/** What a container is made to do. */
export type Act =
  | { act: 'sleep' }
  | { act: 'exit'; code: number }
  | { act: 'ignore-term' }
  /** Prints the text, then sleeps. */
  | { act: 'print'; text: string }
  /** Prints this variable, then sleeps. */
  | { act: 'print-variable'; name: string }
  /** Writes the text on its workspace, says so, then sleeps. */
  | { act: 'write'; text: string }
  /** Prints what was written on its workspace, then sleeps. */
  | { act: 'read' }
  /** Uses more memory than it has. */
  | { act: 'use-too-much-memory' }

export interface ExecutorHarness {
  executor: Executor
  /** The same installation seen by another worker; the same object where there is none. */
  otherWorker: Executor
  spec(act: Act): ContainerSpec
  /** A spec whose image does not exist. */
  specWithoutImage(): ContainerSpec
  /** The container disappears behind FlowForge's back; absent where that can't happen. */
  removeByHand?(handle: ContainerHandle): Promise<void>
}

export const newAttemptId = (): string => randomUUID()

export const describeExecutorContract = (
  name: string,
  createHarness: () => Promise<ExecutorHarness>,
): void => {
  describe(`the executor contract: ${name}`, () => {
    let harness: ExecutorHarness
    let executor: Executor
    const never = new AbortController().signal
    const start = (act: Act, changes: Partial<ContainerSpec> = {}) =>
      executor.start({ ...harness.spec(act), ...changes })

    beforeEach(async () => {
      harness = await createHarness()
      executor = harness.executor
    })
    afterEach(async () => {
      for (const handle of await executor.list()) await executor.stop(handle, { graceMs: 0 })
    })

    describe('start', () => {
      it('resolves when the container runs', async () => {
        expect(await executor.inspect(await start({ act: 'sleep' }))).toEqual({ state: 'running' })
      })

      it('gives the first container again for the same attempt and phase', async () => {
        const spec = harness.spec({ act: 'sleep' })
        const first = await executor.start(spec)
        expect(await executor.start(spec)).toEqual(first)
        expect(await harness.otherWorker.start(spec)).toEqual(first)
        expect(await executor.list()).toEqual([first])
      })

      it('makes one container when it is called twice at the same time', async () => {
        const spec = harness.spec({ act: 'sleep' })
        const [one, two, three] = await Promise.all([
          executor.start(spec),
          executor.start(spec),
          harness.otherWorker.start(spec),
        ])
        expect(two).toEqual(one)
        expect(three).toEqual(one)
        expect(await executor.inspect(one)).toEqual({ state: 'running' })
      })

      it('does not run a container a second time that has ended', async () => {
        const spec = harness.spec({ act: 'exit', code: 3 })
        const first = await executor.start(spec)
        await executor.exited(first, never)
        expect(await executor.start(spec)).toEqual(first)
        expect(await executor.inspect(first)).toMatchObject({ state: 'exited', exitCode: 3 })
      })

      it('keeps the phases of an attempt apart', async () => {
        const attemptId = newAttemptId()
        const agent = await start({ act: 'sleep' }, { attemptId, phase: 'agent' })
        const verify = await start({ act: 'sleep' }, { attemptId, phase: 'verify' })
        expect(verify.id).not.toBe(agent.id)
        await executor.stop(agent, { graceMs: 0 })
        expect(await executor.inspect(verify)).toEqual({ state: 'running' })
      })

      it('hands the environment in', async () => {
        const handle = await start(
          { act: 'print-variable', name: 'SOME_NAME' },
          { environment: { SOME_NAME: 'some value = with, signs' } },
        )
        await vi.waitFor(async () =>
          expect(await executor.logs(handle, 1000)).toContain('some value = with, signs'),
        )
      })

      it('fails with image_unavailable and leaves nothing behind', async () => {
        await expect(executor.start(harness.specWithoutImage())).rejects.toMatchObject({
          code: 'image_unavailable',
        })
        expect(await executor.list()).toEqual([])
      })
    })

    describe('stop', () => {
      it('lets a container end by itself on TERM, and removes it', async () => {
        const handle = await start({ act: 'sleep' })
        const before = Date.now()
        await executor.stop(handle, { graceMs: 20_000 })
        expect(Date.now() - before).toBeLessThan(10_000)
        expect(await executor.inspect(handle)).toEqual({ state: 'gone' })
        expect(await executor.list()).toEqual([])
      })

      it('kills one that ignores TERM when the grace is over', async () => {
        const handle = await start({ act: 'ignore-term' })
        await vi.waitFor(async () => expect(await executor.logs(handle, 1000)).toContain('ignoring'))
        const before = Date.now()
        await executor.stop(handle, { graceMs: 500 })
        expect(Date.now() - before).toBeGreaterThanOrEqual(499)
        expect(await executor.inspect(handle)).toEqual({ state: 'gone' })
      })

      it('does no harm a second time, from two sides at once, or on a container that ended', async () => {
        const handle = await start({ act: 'exit', code: 0 })
        await executor.exited(handle, never)
        await Promise.all([
          executor.stop(handle, { graceMs: 100 }),
          harness.otherWorker.stop(handle, { graceMs: 100 }),
        ])
        await executor.stop(handle, { graceMs: 100 })
        expect(await executor.list()).toEqual([])
      })

      it('makes room for a new container of the same attempt, which a late stop of the old one leaves alone', async () => {
        const spec = harness.spec({ act: 'sleep' })
        const first = await executor.start(spec)
        await executor.stop(first, { graceMs: 0 })
        const second = await executor.start(spec)
        await executor.stop(first, { graceMs: 0 })
        expect(await executor.inspect(first)).toEqual({ state: 'gone' })
        expect(await executor.inspect(second)).toEqual({ state: 'running' })
      })
    })

    describe('halt', () => {
      it('ends a container and leaves it there, also one that ignores TERM', async () => {
        const handle = await start({ act: 'ignore-term' })
        await vi.waitFor(async () => expect(await executor.logs(handle, 1000)).toContain('ignoring'))
        await executor.halt(handle, { graceMs: 100 })
        expect(await executor.inspect(handle)).toMatchObject({ state: 'exited', exitCode: 137 })
        expect(await executor.logs(handle, 1000)).toContain('ignoring')
        await executor.halt(handle, { graceMs: 100 })
        await executor.stop(handle, { graceMs: 0 })
        await executor.halt(handle, { graceMs: 100 })
        expect(await executor.list()).toEqual([])
      })

      it('leaves its workspace to another one', async context => {
        if (!executor.keepsWorkspaces) return context.skip('there are no workspaces')
        const attemptId = newAttemptId()
        const writer = await start({ act: 'write', text: 'what it left' }, { attemptId })
        await vi.waitFor(async () => expect(await executor.logs(writer, 1000)).toContain('written'))
        // Two that write on one disk would ruin it.
        const second = { attemptId, phase: 'rescue', workspaceOf: writer } as const
        await expect(start({ act: 'read' }, second)).rejects.toMatchObject({ code: 'no_capacity' })
        await executor.halt(writer, { graceMs: 0 })
        const reader = await start({ act: 'read' }, second)
        await vi.waitFor(async () => expect(await executor.logs(reader, 1000)).toContain('what it left'))
        expect(await harness.otherWorker.list()).toHaveLength(2)
        await executor.stop(reader, { graceMs: 0 })
        await executor.stop(writer, { graceMs: 0 })
        expect(await executor.list()).toEqual([])
      })
    })

    describe('exited', () => {
      it('tells the exit code', async () => {
        const handle = await start({ act: 'exit', code: 3 })
        const ended = { state: 'exited', exitCode: 3, oomKilled: false }
        expect(await executor.exited(handle, never)).toEqual(ended)
        expect(await harness.otherWorker.exited(handle, never)).toEqual(ended)
      })

      it('tells that memory ran out', async () => {
        const handle = await start({ act: 'use-too-much-memory' })
        expect(await executor.exited(handle, never)).toEqual({
          state: 'exited',
          exitCode: 137,
          oomKilled: true,
        })
      })

      it('resolves when somebody stops the container, and afterwards', async () => {
        const handle = await start({ act: 'sleep' })
        const ended = executor.exited(handle, never)
        await harness.otherWorker.stop(handle, { graceMs: 0 })
        expect((await ended).state).not.toBe('running')
        expect(await executor.exited(handle, never)).toEqual({ state: 'gone' })
      })

      it('ends with its signal', async () => {
        const handle = await start({ act: 'sleep' })
        const abort = new AbortController()
        const waiting = executor.exited(handle, abort.signal)
        abort.abort(new Error('nobody waits any more'))
        await expect(waiting).rejects.toThrow('nobody waits any more')
        expect(await executor.inspect(handle)).toEqual({ state: 'running' })
      })

      it('is "gone" for a container that was removed by hand', async context => {
        if (!harness.removeByHand) return context.skip('nobody can remove it by hand')
        const handle = await start({ act: 'sleep' })
        const ended = executor.exited(handle, never)
        await harness.removeByHand(handle)
        expect((await ended).state).not.toBe('running')
        expect(await executor.inspect(handle)).toEqual({ state: 'gone' })
        await executor.stop(handle, { graceMs: 1000 })
      })
    })

    it('list gives running and ended containers, also to another worker', async () => {
      const running = await start({ act: 'sleep' })
      const ended = await start({ act: 'exit', code: 0 })
      await executor.exited(ended, never)
      const byId = (a: ContainerHandle, b: ContainerHandle) => a.id.localeCompare(b.id)
      expect((await harness.otherWorker.list()).sort(byId)).toEqual([running, ended].sort(byId))
    })

    it('sweep leaves what runs alone', async () => {
      const handle = await start({ act: 'sleep' })
      await executor.sweep()
      expect(await executor.inspect(handle)).toEqual({ state: 'running' })
    })

    it('logs give the last bytes, no more than asked for, and nothing for a container that is gone', async () => {
      const handle = await start({ act: 'print', text: `${'first '.repeat(50)}the very last` })
      await vi.waitFor(async () => expect(await executor.logs(handle, 100_000)).toContain('the very last'))
      expect((await executor.logs(handle, 100_000)).startsWith('first first')).toBe(true)
      const tail = await executor.logs(handle, 20)
      expect(tail.trimEnd().endsWith('last')).toBe(true)
      expect(tail.length).toBeLessThanOrEqual(20)
      await executor.stop(handle, { graceMs: 0 })
      expect(await executor.logs(handle, 20)).toBe('')
    })

    it('check is content with a machine that can run containers', async () => {
      expect(await executor.check()).toMatchObject({ ok: true, problems: [] })
    })
  })
}
