import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPacketReader, PacketError, pktLine, sideband } from './pkt-line.ts'

const reader = (text: string, size = 3) => createPacketReader(pieces(Buffer.from(text, 'latin1'), size))

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function all(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

test('a line carries its length', () => {
  expect(pktLine('hello\n').toString()).toBe('000ahello\n')
  expect(pktLine('é').toString('latin1')).toBe('0006Ã©')
})

test('whatever is framed is read again, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 })),
      fc.integer({ min: 1, max: 50 }),
      async (payloads, size) => {
        const framed = Buffer.concat(payloads.map(pktLine))
        const read = createPacketReader(pieces(framed, size))
        for (const payload of payloads)
          expect(await read.packet()).toEqual({ type: 'line', payload: Buffer.from(payload) })
        expect(await read.packet()).toBeNull()
      },
    ),
    { numRuns: 50 },
  )
})

test('what follows the packets is left, and all of it can be had again', async () => {
  const read = reader('0006hi0000PACKdata')
  expect(await read.packet()).toMatchObject({ type: 'line' })
  expect(await read.packet()).toEqual({ type: 'flush' })
  expect(await all(read.rest())).toBe('PACKdata')

  const again = reader('0006hi0000PACKdata')
  await again.packet()
  expect(await all(again.replay())).toBe('0006hi0000PACKdata')
})

test.each(['00', 'zzzz', '-001', '0001', '0003', '0006h', '+00a', '0x0a'])('%j is no packet', async text => {
  await expect(reader(text).packet()).rejects.toThrow(PacketError)
})

test('a long text is spread over packets of its band', () => {
  const framed = sideband('message', 'x'.repeat(70_000))
  expect(framed.subarray(0, 5).toString('latin1')).toBe('fff0\x02')
  expect(framed.length).toBe(70_000 + 2 * 5)
})
