// Git's framing on the wire: four hexadecimal digits of length, then so many bytes with the digits counted in.
// https://git-scm.com/docs/protocol-common#_pkt_line_format

export const FLUSH = Buffer.from('0000')
/** 65520 with the length digits; one more byte goes to the band when packets are multiplexed. */
const MAX_PAYLOAD = 65516

export function pktLine(payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload as Uint8Array)
  if (bytes.length > MAX_PAYLOAD) throw new Error('the packet is too long')
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
}

export type Band = 'data' | 'message'

/** Cuts `payload` into packets of one band of side-band-64k. */
export function sideband(band: Band, payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload as Uint8Array)
  const packets: Buffer[] = []
  for (let at = 0; at < bytes.length; at += MAX_PAYLOAD - 1) {
    const marker = Buffer.from([band === 'data' ? 1 : 2])
    packets.push(pktLine(Buffer.concat([marker, bytes.subarray(at, at + MAX_PAYLOAD - 1)])))
  }
  return Buffer.concat(packets)
}

export type Packet = { type: 'line'; payload: Buffer } | { type: 'flush' }

/** Reads packets from the head of a stream of which the rest is something else. */
export function createPacketReader(source: AsyncIterator<Buffer>) {
  let buffered: Buffer = Buffer.alloc(0)
  const taken: Buffer[] = []

  async function fill(size: number): Promise<boolean> {
    const chunks = [buffered]
    let length = buffered.length
    while (length < size) {
      const next = await source.next()
      if (next.done === true) break
      chunks.push(next.value)
      length += next.value.length
    }
    buffered = Buffer.concat(chunks)
    return length >= size
  }

  /** The next bytes, or null when fewer are left. */
  async function take(size: number): Promise<Buffer | null> {
    if (!(await fill(size))) return null
    const bytes = buffered.subarray(0, size)
    buffered = buffered.subarray(size)
    taken.push(bytes)
    return bytes
  }

  /** null at the end of the stream. */
  async function packet(): Promise<Packet | null> {
    const digits = await take(4)
    if (digits === null) {
      if (buffered.length > 0) throw new PacketError('the packet is cut off')
      return null
    }
    const length = /^[0-9a-f]{4}$/i.test(digits.toString('latin1'))
      ? Number.parseInt(digits.toString('latin1'), 16)
      : -1
    if (length === 0) return { type: 'flush' }
    if (length < 4) throw new PacketError('the packet has no valid length')
    const payload = await take(length - 4)
    if (payload === null) throw new PacketError('the packet is cut off')
    return { type: 'line', payload }
  }

  /** Everything that has not been taken yet. */
  async function* rest(): AsyncGenerator<Buffer> {
    if (buffered.length > 0) yield buffered
    buffered = Buffer.alloc(0)
    for (;;) {
      const next = await source.next()
      if (next.done === true) return
      yield next.value
    }
  }

  /** The whole stream from its beginning, for someone who wants to read it again. */
  async function* replay(): AsyncGenerator<Buffer> {
    yield Buffer.concat(taken)
    yield* rest()
  }

  return { take, packet, rest, replay }
}
export type PacketReader = ReturnType<typeof createPacketReader>

/** The other side does not speak the protocol. */
export class PacketError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PacketError'
  }
}
