// What every queue must do, as tests: those of `Doorbell` and `AttemptSignal` in jobs/ports.ts, sentence by sentence. Each
// adapter runs them over its real server, and says how processes connect and how that server fails.
import sql from 'sql-template-tag'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { AttemptSignal, Doorbell } from '../jobs/ports.ts'
import { submitJob } from '../jobs/submit.ts'
import { createScene, type Scene } from '../jobs/testing-scene.ts'

/** One process of an installation, with connections of its own. */
export interface QueueProcess {
  doorbell: Doorbell
  signal: AttemptSignal
  close(): Promise<void>
}

export interface QueueHarness {
  connect(scene: Scene): Promise<QueueProcess>
  /** Of all processes, to the server. */
  connections(scene: Scene): Promise<number>
  /** Ends every connection to the server, from the server's side. */
  breakConnections(scene: Scene): Promise<void>
  close(): Promise<void>
  /** Absent where the database itself rings. */
  broker?: {
    sweep(process: QueueProcess): Promise<void>
    /** Forgets all rings, as if somebody had deleted everything by hand. */
    lose(): Promise<void>
    /** Kills the server, and starts it again. */
    stop(): Promise<void>
    start(): Promise<void>
    /** Stands still, with its connections open, until `thaw`. */
    freeze(): void
    thaw(): void
  }
}

/** Fault tests wait for the servers' own clocks. */
const SLOW = { timeout: 60_000, interval: 50 }

export const describeQueueContract = (name: string, createHarness: () => Promise<QueueHarness>): void => {
  describe(`the queue contract: ${name}`, () => {
    let harness: QueueHarness
    let scene: Scene
    let ringer: QueueProcess
    beforeAll(async () => {
      scene = await createScene()
      harness = await createHarness()
    }, 120_000)
    afterAll(async () => {
      await harness.close()
      await scene.close()
    })
    beforeEach(async () => {
      ringer = await connect()
    })
    afterEach(() => scene.removeJobs())

    const connect = async (): Promise<QueueProcess> => {
      const process = await harness.connect(scene)
      onTestFinished(() => process.close())
      return process
    }
    const submit = async (by: QueueProcess = ringer): Promise<string> => {
      const wanted = { repositoryId: scene.tenant.repositoryId, task: 'Do something.' }
      const { body } = await submitJob({ ...scene, doorbell: by.doorbell }, scene.tenant, wanted, null)
      return (body as { id: string }).id
    }
    /** A worker as the doorbell sees it, without the poll that workers have besides. */
    const listen = async (options: { room?: number; claim?: () => Promise<void> } = {}) => {
      const process = await connect()
      const worker = { heard: 0, claimed: 0, room: options.room ?? 100, process }
      const answering = process.doorbell.answer({
        room: () => worker.room,
        claim: async () => {
          worker.heard += 1
          await options.claim?.()
          const claims = await scene.claim(worker.room)
          worker.claimed += claims.length
        },
      })
      const roomFor = (room: number) => {
        worker.room = room
        answering.roomChanged()
      }
      return { ...worker, state: worker, answering, roomFor }
    }
    const haveClaimed = (count: number, ...workers: Array<Awaited<ReturnType<typeof listen>>>) =>
      expect.poll(() => workers.reduce((sum, { state }) => sum + state.claimed, 0), SLOW).toBe(count)
    /** By rings alone: nobody polls here. */
    const everyJobIsClaimedOnce = async (count: number) => {
      await expect
        .poll(async () => (await scene.jobs()).filter(job => job.state === 'running').length, SLOW)
        .toBe(count)
      const attempts = await scene.database.acrossOrganizations(tx =>
        tx.all<{ job_id: string }>(sql`select job_id from attempts`),
      )
      expect(attempts).toHaveLength(count)
    }

    test('a ring is heard by another process after the commit, and not before', async () => {
      const worker = await listen()
      const first = await submit()
      await everyJobIsClaimedOnce(1)
      await expect.poll(() => worker.state.heard, SLOW).toBe(1)
      await scene.database.acrossOrganizations(async tx => {
        await ringer.doorbell.ring(tx, [first])
        // Had the first one been heard already, this one would be the third.
        await submit()
        await everyJobIsClaimedOnce(2)
        expect(worker.state.heard).toBe(2)
      })
      await expect.poll(() => worker.state.heard, SLOW).toBe(3)
    })

    test('a transaction that is rolled back rings for nobody', async () => {
      const worker = await listen()
      const ringing = scene.database.acrossOrganizations(async tx => {
        const [job] = await scene.jobs()
        await ringer.doorbell.ring(tx, job ? [job.id] : [])
        throw new Error('on second thought')
      })
      await expect(ringing).rejects.toThrow('on second thought')
      await submit()
      await everyJobIsClaimedOnce(1)
      expect(worker.state.heard).toBe(1)
    })

    test('of many rings none is lost: three workers claim every job, each once', async () => {
      const workers = await Promise.all([listen(), listen(), listen()])
      const others = await Promise.all([connect(), connect()])
      await Promise.all(Array.from({ length: 30 }, (_, n) => submit([ringer, ...others][n % 3])))
      await everyJobIsClaimedOnce(30)
      await haveClaimed(30, ...workers)
    })

    test('one ring names many jobs', async () => {
      await listen()
      const ids = [await submit(scene), await submit(scene), await submit(scene)]
      await scene.database.acrossOrganizations(tx => ringer.doorbell.ring(tx, ids))
      await everyJobIsClaimedOnce(3)
    })

    test('a ring that comes twice, or after its job was taken, does no harm', async () => {
      const worker = await listen()
      const id = await submit()
      await everyJobIsClaimedOnce(1)
      const before = worker.state.heard
      await scene.database.acrossOrganizations(tx => ringer.doorbell.ring(tx, [id, id]))
      await expect.poll(() => worker.state.heard, SLOW).toBeGreaterThan(before)
      await everyJobIsClaimedOnce(1)
    })

    test('a worker without room leaves rings to one that has', async () => {
      const full = await listen({ room: 0 })
      const free = await listen()
      for (let n = 0; n < 4; n += 1) await submit()
      await everyJobIsClaimedOnce(4)
      await haveClaimed(4, free)
      expect(full.state.heard).toBe(0)
    })

    test('a worker that stops answering leaves rings to the others', async () => {
      const [leaving, staying] = [await listen(), await listen()]
      await submit()
      await everyJobIsClaimedOnce(1)
      await leaving.answering.stop()
      const before = leaving.state.heard
      for (let n = 0; n < 4; n += 1) await submit()
      await everyJobIsClaimedOnce(5)
      expect(leaving.state.heard).toBe(before)
      await haveClaimed(5, leaving, staying)
    })

    test('after its connections broke it is heard again', async () => {
      await listen()
      await submit()
      await everyJobIsClaimedOnce(1)
      await harness.breakConnections(scene)
      // What is rung at this very moment may be lost: then the next ring claims its job as well.
      await expect
        .poll(
          async () => {
            const jobs = await scene.jobs().catch(() => [])
            if (jobs.length > 1 && jobs.every(job => job.state === 'running')) return true
            await submit().catch(() => {})
            return false
          },
          { timeout: 60_000, interval: 500 },
        )
        .toBe(true)
    })

    test('a signal for an attempt reaches every process after the commit', async () => {
      const others = [await connect(), await connect()]
      const got: string[][] = [[], []]
      others.forEach(({ signal }, n) => void signal.receive(id => void got[n]!.push(id)))
      // A listener that is new hears what is said after it has listened.
      await expect
        .poll(async () => {
          await scene.database.acrossOrganizations(tx => ringer.signal.send(tx, 'warm-up'))
          return got.every(ids => ids.length > 0)
        }, SLOW)
        .toBe(true)
      await scene.database.acrossOrganizations(async tx => {
        await ringer.signal.send(tx, 'one')
        await scene.database.acrossOrganizations(other => ringer.signal.send(other, 'two'))
        await expect.poll(() => got.map(ids => ids.at(-1)), SLOW).toEqual(['two', 'two'])
        expect(got.flat()).not.toContain('one')
      })
      await expect.poll(() => got.map(ids => ids.at(-1)), SLOW).toEqual(['one', 'one'])
    })

    test('nothing stays connected after a close', async () => {
      const before = await harness.connections(scene)
      const process = await harness.connect(scene)
      const answering = process.doorbell.answer({ room: () => 1, claim: async () => {} })
      await expect.poll(() => harness.connections(scene), SLOW).toBeGreaterThan(before)
      await answering.stop()
      await process.close()
      await expect.poll(() => harness.connections(scene), SLOW).toBe(before)
    })

    describe('with its broker', () => {
      const broker = (context: { skip: (why: string) => never }) => {
        if (!harness.broker) return context.skip('the database itself rings')
        return harness.broker
      }

      test('a ring whose claim failed is heard again', async context => {
        broker(context)
        let failures = 0
        await listen({
          claim: async () => {
            failures += 1
            if (failures < 3) throw new Error('the database is away')
          },
        })
        await submit()
        await everyJobIsClaimedOnce(1)
        expect(failures).toBe(3)
      })

      test('what a worker took and did not confirm before it died, another one hears', async context => {
        broker(context)
        const frozen = await listen({ claim: () => new Promise(() => {}) })
        await submit()
        await expect.poll(() => frozen.state.heard, SLOW).toBe(1)
        await listen()
        await frozen.process.close()
        await everyJobIsClaimedOnce(1)
      })

      test('a delayed ring is heard when its time has come', async context => {
        const { sweep } = broker(context)
        const worker = await listen()
        const id = await submit(scene)
        await scene.database.acrossOrganizations(tx => ringer.doorbell.ring(tx, [id], 1_500))
        await sweep(ringer)
        expect(worker.state.heard).toBe(0)
        await expect.poll(() => sweep(ringer).then(() => worker.state.heard), SLOW).toBe(1)
        await everyJobIsClaimedOnce(1)
      })

      test('rings that it lost are rung anew by the sweep', async context => {
        const { sweep, lose } = broker(context)
        const worker = await listen({ room: 0 })
        for (let n = 0; n < 3; n += 1) await submit()
        const told = async () =>
          (await scene.database.acrossOrganizations(tx => tx.all(sql`select id from outbox`))).length
        await expect.poll(told, SLOW).toBe(0)
        await lose()
        worker.roomFor(100)
        await expect
          .poll(async () => {
            await sweep(ringer).catch(() => {})
            return (await scene.jobs()).filter(job => job.state === 'running').length
          }, SLOW)
          .toBe(3)
      })

      test('while it is down jobs are taken in, and rung for when it is back', async context => {
        const { sweep, stop, start } = broker(context)
        await listen()
        await submit()
        await everyJobIsClaimedOnce(1)
        await stop()
        const began = performance.now()
        for (let n = 0; n < 3; n += 1) await submit()
        expect(performance.now() - began).toBeLessThan(3_000)
        await start()
        await expect
          .poll(async () => {
            await sweep(ringer).catch(() => {})
            return (await scene.jobs()).filter(job => job.state === 'running').length
          }, SLOW)
          .toBe(4)
        await everyJobIsClaimedOnce(4)
      }, 120_000)

      test('one that stands still keeps nobody waiting, is noticed, and is heard again', async context => {
        const { sweep, freeze, thaw } = broker(context)
        await listen()
        await submit()
        await everyJobIsClaimedOnce(1)
        freeze()
        const began = performance.now()
        for (let n = 0; n < 3; n += 1) await submit()
        expect(performance.now() - began).toBeLessThan(3_000)
        await sweep(ringer).catch(() => {})
        thaw()
        await expect
          .poll(async () => {
            await sweep(ringer).catch(() => {})
            return (await scene.jobs()).filter(job => job.state === 'running').length
          }, SLOW)
          .toBe(4)
        await everyJobIsClaimedOnce(4)
      }, 120_000)
    })
  })
}
