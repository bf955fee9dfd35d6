import { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readClientHello } from './client-hello.ts'

/** What a real TLS client says first. */
function clientHello(servername: string | undefined): Promise<Buffer> {
  return new Promise(resolve => {
    const socket = new Duplex({
      read() {},
      write(chunk, _, done) {
        resolve(chunk)
        done()
      },
    })
    connect({ socket, ...(servername ? { servername } : {}) }).on('error', () => {})
  })
}

/** The same message in records of at most so many bytes. */
function fragment(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part)
  }
  return Buffer.concat(records)
}

test('the name is found in a real hello', async () => {
  expect(readClientHello(await clientHello('allowed.example'))).toEqual({
    state: 'complete',
    serverName: 'allowed.example',
  })
})

test('what follows a hello at once is not looked at', async () => {
  const early = Buffer.concat([
    await clientHello('allowed.example'),
    Buffer.from([20, 3, 3, 0, 1, 1, 23, 3, 3]),
  ])
  expect(readClientHello(early)).toMatchObject({ serverName: 'allowed.example' })
})

test('a hello without a name is complete', async () => {
  expect(readClientHello(await clientHello(undefined))).toEqual({ state: 'complete', serverName: undefined })
})

test('a hello cut into records and read in pieces is the same hello', async () => {
  const hello = await clientHello('allowed.example')
  for (const size of [30, 100, 1_000]) {
    const bytes = fragment(hello, size)
    expect(readClientHello(bytes)).toMatchObject({ serverName: 'allowed.example' })
    for (let end = 0; end < bytes.length; end++) {
      expect(readClientHello(bytes.subarray(0, end)).state).toBe('incomplete')
    }
  }
})

test.each<[string, (hello: Buffer) => Buffer]>([
  ['plain HTTP', () => Buffer.from('GET / HTTP/1.1\r\n')],
  ['SSH', () => Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
  [
    'another record between',
    hello => Buffer.concat([fragment(hello, 50).subarray(0, 55), Buffer.from([21, 3, 3])]),
  ],
  ['a record for every byte', hello => fragment(hello, 1)],
  ['an empty record', () => Buffer.from([22, 3, 1, 0, 0])],
  ['a server’s hello', () => Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
  ['a hello without end', () => Buffer.from([22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff])],
  ['the name twice', hello => doubleName(hello)],
  ['a second name in the list', hello => secondName(hello)],
])('what is no clear hello is invalid: %s', async (_, make) => {
  expect(readClientHello(make(await clientHello('allowed.example')))).toEqual({ state: 'invalid' })
})

const NAME = Buffer.from('allowed.example')

/** A minimal hello with these extensions. */
function helloWith(extensions: Buffer): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    Buffer.from([0, 0, 2, 0x13, 0x01, 1, 0]),
    Buffer.from([extensions.length >> 8, extensions.length & 255]),
    extensions,
  ])
  const message = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 255]), body])
  return Buffer.concat([Buffer.from([22, 3, 1, message.length >> 8, message.length & 255]), message])
}

const entry = (name: Buffer) => Buffer.concat([Buffer.from([0, 0, name.length]), name])
function nameExtension(...names: Buffer[]): Buffer {
  const list = Buffer.concat(names.map(entry))
  return Buffer.concat([Buffer.from([0, 0, 0, list.length + 2, 0, list.length]), list])
}
const doubleName = (_: Buffer) => helloWith(Buffer.concat([nameExtension(NAME), nameExtension(NAME)]))
const secondName = (_: Buffer) => helloWith(nameExtension(NAME, Buffer.from('evil.example')))

test('a minimal hello is read', () => {
  expect(readClientHello(helloWith(nameExtension(NAME)))).toMatchObject({ serverName: 'allowed.example' })
})

test('no bytes make the reader fail, and only whole hellos are complete', async () => {
  const hello = await clientHello('allowed.example')
  fc.assert(
    fc.property(fc.nat(hello.length - 1), fc.nat(255), fc.nat(hello.length), (at, byte, end) => {
      const changed = Buffer.from(hello)
      changed[at] = byte
      const state = readClientHello(changed.subarray(0, end)).state
      expect(['incomplete', 'complete', 'invalid']).toContain(state)
    }),
    { numRuns: 2_000 },
  )
  expect(readClientHello(Buffer.alloc(0))).toEqual({ state: 'incomplete' })
})
