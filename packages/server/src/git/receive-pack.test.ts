import { expect, test } from 'vitest'
import { createPacketReader, PacketError, pktLine } from './pkt-line.ts'
import { pushAdvertisement, pushReport, readPushRequest } from './receive-pack.ts'

const ZERO = '0'.repeat(40)
const [A, B] = ['a'.repeat(40), 'b'.repeat(40)]

function request(...lines: (string | Buffer)[]) {
  async function* body() {
    yield Buffer.concat([...lines.map(pktLine), Buffer.from('0000PACK')])
  }
  return readPushRequest(createPacketReader(body()))
}

test('commands and capabilities are read; shallow lines are passed over', async () => {
  const push = await request(
    `shallow ${A}\n`,
    `${ZERO} ${A} refs/heads/x\0 report-status side-band-64k agent=git/2`,
    `${A} ${ZERO} refs/heads/y\n`,
  )
  expect(push.commands).toEqual([
    { ref: 'refs/heads/x', old: null, new: A },
    { ref: 'refs/heads/y', old: A, new: null },
  ])
  expect(push.capabilities).toEqual(new Set(['report-status', 'side-band-64k', 'agent=git/2']))
})

test.each([
  ['no command', 'hello'],
  ['a short id', `${A.slice(1)} ${B} refs/heads/x`],
  ['upper case', `${A.toUpperCase()} ${B} refs/heads/x`],
  ['no ref', `${A} ${B} `],
  ['a certificate', 'push-cert\0'],
])('%s is refused', async (_what, line) => {
  await expect(request(line)).rejects.toThrow(PacketError)
})

test('a ref that is not UTF-8 is refused', async () => {
  await expect(
    request(Buffer.concat([Buffer.from(`${A} ${B} refs/heads/`), Buffer.from([0xff])])),
  ).rejects.toThrow(PacketError)
})

test('no more than a thousand refs are moved at once', async () => {
  await expect(
    request(...Array.from({ length: 1001 }, (_, index) => `${A} ${B} refs/heads/${index}`)),
  ).rejects.toThrow('at most 1000')
})

test('the advertisement carries the capabilities on its first line', () => {
  const text = pushAdvertisement({ refs: [{ ref: 'refs/heads/x', commit: A }], have: [B] }).toString()
  expect(text).toContain(`${A} refs/heads/x\0report-status side-band-64k`)
  expect(text).toMatch(new RegExp(`${B} .have\n0000$`))
  expect(pushAdvertisement({ refs: [], have: ['c'.repeat(64)] }).toString()).toContain('object-format=sha256')
})

test('the report is one line for each ref, without line ends from elsewhere', () => {
  const answers = [
    { ref: 'refs/heads/x', refused: null },
    { ref: 'refs/heads/y', refused: 'not\nok refs/heads/z' },
  ]
  const plain = pushReport({ unpackFailure: null, answers }, new Set(['report-status']))
  expect(plain.toString()).toBe(
    '000eunpack ok\n0014ok refs/heads/x\n0028ng refs/heads/y not ok refs/heads/z\n0000',
  )
  const banded = pushReport(
    { unpackFailure: null, answers, messages: ['Hint'] },
    new Set(['report-status', 'side-band-64k']),
  )
  expect(banded.toString('latin1')).toContain('000a\x02Hint\n')
  expect(banded.toString('latin1')).toContain('\x01000eunpack ok\n')
})
