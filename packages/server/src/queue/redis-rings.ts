// Hears the rings of a stream in Redis as one consumer of a group, while its claimer has room.
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Answering, RingAnswerer } from '../jobs/ports.ts'
import { REPEAT_MS } from './broker.ts'

interface Place {
  stream: string
  group: string
  consumer: string
}

/** One claim takes many jobs: a handful of rings is reason enough. */
const MAX_RINGS = 50
/** How long a read waits for a ring: also how long a stop waits at most. */
const BLOCK_MS = 500
/** A consumer that said nothing for so long comes no more: each start of a worker makes a new one. */
const GONE_MS = 3_600_000

export function hearRings({
  commands,
  reader,
  place,
  claimer,
  forsakenMs,
}: {
  commands: Redis
  /** Waits in reads: nothing else can be asked on it. */
  reader: Redis
  place: Place
  claimer: RingAnswerer
  /** What another consumer has held for so long is taken over. */
  forsakenMs: number
}): Answering {
  const { stream, group, consumer } = place
  const stopping = new AbortController()
  let changed = Promise.withResolvers<void>()
  let lookedAt = 0

  const roomToClaim = async (): Promise<void> => {
    while (!stopping.signal.aborted && claimer.room() === 0) {
      changed = Promise.withResolvers<void>()
      await changed.promise
    }
  }
  const confirm = (ids: string[]): Promise<unknown> =>
    commands
      .multi()
      .xack(stream, group, ...ids)
      .xdel(stream, ...ids)
      .exec()
  /** Another consumer, one with room, gets them at once. */
  const giveBack = async (rings: Ring[]): Promise<void> => {
    const batch = commands.multi()
    for (const ring of rings) batch.xadd(stream, '*', 'job', ring.jobId)
    await batch.exec()
    await confirm(rings.map(ring => ring.id))
  }
  const answer = async (rings: Ring[]): Promise<void> => {
    if (rings.length === 0) return
    if (stopping.signal.aborted || claimer.room() === 0) return giveBack(rings)
    await claimer.claim()
    await confirm(rings.map(ring => ring.id))
  }
  const hear = async (): Promise<void> => {
    const now = performance.now()
    if (now - lookedAt > forsakenMs / 3) {
      lookedAt = now
      await answer(await takeForsaken(commands, place, forsakenMs))
      await forgetTheGone(commands, place)
    }
    await answer(await readRings(reader, place))
  }
  const run = async (): Promise<void> => {
    for (;;) {
      await roomToClaim()
      if (stopping.signal.aborted) return
      try {
        await hear()
      } catch (error) {
        if (isMissing(error)) await makeGroup(commands, place).catch(() => {})
        // Away, or a claim failed: what was taken is forsaken, and somebody takes it later.
        else await delay(REPEAT_MS, undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }
  const running = run()
  return {
    roomChanged: () => changed.resolve(),
    stop: async () => {
      stopping.abort()
      changed.resolve()
      await running
      await commands.xgroup('DELCONSUMER', stream, group, consumer).catch(() => {})
      reader.disconnect()
    },
  }
}

interface Ring {
  id: string
  jobId: string
}
/** As Redis answers: the id, then names and values; null for one that was deleted meanwhile. */
type Entry = [id: string, fields: string[] | null]

const ringsOf = (entries: Entry[]): Ring[] =>
  entries.map(([id, fields]) => ({ id, jobId: fields?.[1] ?? '' }))

async function readRings(reader: Redis, { stream, group, consumer }: Place): Promise<Ring[]> {
  const answer = (await reader.xreadgroup(
    ...(['GROUP', group, consumer, 'COUNT', MAX_RINGS, 'BLOCK', BLOCK_MS, 'STREAMS', stream, '>'] as const),
  )) as Array<[stream: string, entries: Entry[]]> | null
  return ringsOf(answer?.[0]?.[1] ?? [])
}

async function takeForsaken(
  commands: Redis,
  { stream, group, consumer }: Place,
  forsakenMs: number,
): Promise<Ring[]> {
  const answer = await commands.xautoclaim(stream, group, consumer, forsakenMs, '0-0', 'COUNT', MAX_RINGS)
  return ringsOf((answer[1] as Entry[]).filter(Boolean))
}

async function forgetTheGone(commands: Redis, { stream, group }: Place): Promise<void> {
  const consumers = (await commands.xinfo('CONSUMERS', stream, group)) as unknown[][]
  for (const fields of consumers) {
    const of = (name: string) => fields[fields.indexOf(name) + 1]
    if (Number(of('idle')) > GONE_MS && Number(of('pending')) === 0)
      await commands.xgroup('DELCONSUMER', stream, group, String(of('name')))
  }
}

/** The stream was never there, was flushed, or was deleted by hand. */
const isMissing = (error: unknown): boolean => /NOGROUP|no such key|UNBLOCKED/.test((error as Error).message)

/** From the first ring on: what was rung before there was a group counts as well. */
async function makeGroup(commands: Redis, { stream, group }: Place): Promise<void> {
  await commands.xgroup('CREATE', stream, group, '0', 'MKSTREAM').catch(error => {
    if (!String((error as Error).message).includes('BUSYGROUP')) throw error
  })
}
