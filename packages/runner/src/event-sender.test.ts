import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeltaBatch, EventBatch } from '@flowforge/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EventJournal, openJournal } from './event-journal.ts'
import { createEventSender, type EventSender, eventLine } from './event-sender.ts'
import { GatewayRefusal } from './gateway.ts'

let directory: string
let senders: EventSender[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flowforge-sender-'))
  senders = []
})
afterEach(async () => {
  for (const sender of senders) await sender.stop()
  rmSync(directory, { recursive: true })
})

const fullDisk = (journal: EventJournal): EventJournal => ({
  ...journal,
  get nextSeq() {
    return journal.nextSeq
  },
  get oldestSeq() {
    return journal.oldestSeq
  },
  append: () => {
    throw new Error('ENOSPC: no space left on device')
  },
})

/** A store that numbers like the real one, and fails as the test wants. */
const createStore = () => {
  const texts = new Map<string, string[]>()
  const failures: Error[] = []
  return {
    failures,
    texts: (source: string) => texts.get(source) ?? [],
    lose: (source: string, keep: number) => texts.get(source)?.splice(keep),
    gateway: {
      events: async (text: string) => {
        const failure = failures.shift()
        if (failure) throw failure
        const batch = JSON.parse(text) as EventBatch
        const stored = texts.get(batch.source) ?? []
        texts.set(batch.source, stored)
        const expected = stored.length + 1
        if (batch.firstSourceSeq > expected)
          throw new GatewayRefusal(409, { code: 'source_seq_gap', message: 'gap', expected }, '')
        for (const event of batch.events.slice(expected - batch.firstSourceSeq))
          stored.push((event.data as { text: string }).text)
        return { acceptedThrough: stored.length }
      },
      deltas: async (_batch: DeltaBatch) => {},
    },
  }
}

const start = (
  store: ReturnType<typeof createStore>,
  wrap: (journal: EventJournal) => EventJournal = journal => journal,
) => {
  const lost: string[] = []
  const open = (name: string) => wrap(openJournal(join(directory, name), { segmentBytes: 500 }))
  const sender = createEventSender({
    gateway: store.gateway,
    journal: open('first'),
    source: 'first',
    renew: () => ({ source: 'second', journal: open('second') }),
    onLeaseLost: message => lost.push(message),
    signal: new AbortController().signal,
  })
  senders.push(sender)
  return { sender, lost }
}

const log = (sender: EventSender, ...texts: string[]) => {
  for (const text of texts) sender.emit('log', { stream: 'stdout', text })
}
const away = () => Object.assign(new Error('connect ENOENT'), { code: 'ENOENT' })

test('events arrive in order, each once, although the gateway fails in between', async () => {
  const store = createStore()
  const { sender } = start(store)
  const wanted = Array.from({ length: 50 }, (_, index) => `line ${index}`)
  store.failures.push(away(), away())
  log(sender, ...wanted.slice(0, 20))
  expect(await sender.flush(5000)).toBe(true)
  store.failures.push(new GatewayRefusal(503, undefined, 'starting'))
  log(sender, ...wanted.slice(20))
  expect(await sender.flush(5000)).toBe(true)
  expect(store.texts('first')).toEqual(wanted)
})

test('when the store lost some, they are sent again from where it stands', async () => {
  const store = createStore()
  const { sender } = start(store)
  log(sender, 'a', 'b', 'c')
  await sender.flush(5000)
  store.lose('first', 1)
  log(sender, 'd')
  await sender.flush(5000)
  expect(store.texts('first')).toEqual(['a', 'b', 'c', 'd'])
})

test('what a killed runner left on disk is sent by the next', async () => {
  const store = createStore()
  const first = start(store)
  store.failures.push(...Array.from({ length: 100 }, away))
  log(first.sender, 'a', 'b')
  await first.sender.stop()
  store.failures.length = 0
  const second = start(store)
  log(second.sender, 'c')
  await second.sender.flush(5000)
  expect(store.texts('first')).toEqual(['a', 'b', 'c'])
})

test('a full disk loses nothing while the gateway takes what comes', async () => {
  const store = createStore()
  const { sender } = start(store, fullDisk)
  const wanted = Array.from({ length: 30 }, (_, index) => `line ${index}`)
  log(sender, ...wanted)
  expect(await sender.flush(5000)).toBe(true)
  expect(store.texts('first')).toEqual(wanted)
})

test('a lost lease stops the sending and is told once', async () => {
  const store = createStore()
  const { sender, lost } = start(store)
  store.failures.push(new GatewayRefusal(409, { code: 'lease_lost', message: 'gone' }, ''))
  log(sender, 'a')
  expect(await sender.flush(5000)).toBe(false)
  log(sender, 'b')
  expect(lost).toEqual(['gone'])
})

test('an event is never larger than a fraction of a batch', () => {
  const input = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [`file-${index}`, 'x'.repeat(100_000)]),
  )
  const line = eventLine('claude.tool.started', new Date(0), { toolUseId: 't', name: 'Write', input })
  expect(line.length).toBeLessThanOrEqual(512 * 1024)
})
