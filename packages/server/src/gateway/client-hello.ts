// Reads the server name out of the first bytes of a TLS connection (RFC 8446 §4.1.2, RFC 6066 §3). Pure and bounded;
// knows nothing of sockets.

export type ClientHello =
  | { state: 'incomplete' }
  | { state: 'complete'; serverName: string | undefined }
  | { state: 'invalid' }

/** Real ones are 0.3 to 2 KB. */
export const MAX_CLIENT_HELLO_BYTES = 32 * 1024

const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const SERVER_NAME_EXTENSION = 0
const HOST_NAME = 0
const MAX_RECORD_BYTES = 16_384
/** Real clients need one or two; thousands of tiny ones would only cost us time. */
const MAX_RECORDS = 64

class Malformed extends Error {}

/** Call again with more bytes while it is incomplete. */
export function readClientHello(bytes: Buffer): ClientHello {
  const message = collectHandshake(bytes)
  if (message === 'invalid') return { state: 'invalid' }
  if (message === 'incomplete') {
    return { state: bytes.length >= MAX_CLIENT_HELLO_BYTES ? 'invalid' : 'incomplete' }
  }
  try {
    return { state: 'complete', serverName: serverNameOf(message) }
  } catch (error) {
    if (error instanceof Malformed) return { state: 'invalid' }
    throw error
  }
}

/** The first handshake message, put together from the records it was cut into. Called for every chunk: kept cheap. */
function collectHandshake(bytes: Buffer): Buffer | 'incomplete' | 'invalid' {
  const fragments: Buffer[] = []
  let size = 0
  let end = Number.POSITIVE_INFINITY
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== HANDSHAKE_RECORD || fragments.length === MAX_RECORDS) return 'invalid'
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return 'invalid'
    if (at + 5 > bytes.length) return 'incomplete'
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > MAX_RECORD_BYTES) return 'invalid'
    const fragment = bytes.subarray(at + 5, at + 5 + length)
    if (size === 0 && fragment.length > 0 && fragment[0] !== CLIENT_HELLO) return 'invalid'
    fragments.push(fragment)
    size += fragment.length
    at += 5 + length
    if (end === Number.POSITIVE_INFINITY && size >= 4) {
      end = 4 + Buffer.concat(fragments, size).readUIntBE(1, 3)
      if (end > MAX_CLIENT_HELLO_BYTES) return 'invalid'
    }
    // Early data may follow at once; it is none of our business.
    if (size >= end) return Buffer.concat(fragments, size).subarray(4, end)
  }
  return 'incomplete'
}

function serverNameOf(hello: Buffer): string | undefined {
  const fields = createReader(hello)
  fields.skip(2 + 32) // version, random
  fields.block(1) // session id
  fields.block(2) // cipher suites
  fields.block(1) // compression methods
  if (fields.atEnd()) return undefined
  const extensions = createReader(fields.block(2))
  if (!fields.atEnd()) throw new Malformed()

  const names: string[] = []
  while (!extensions.atEnd()) {
    const type = extensions.number(2)
    const content = extensions.block(2)
    if (type === SERVER_NAME_EXTENSION) names.push(readHostName(content))
  }
  // Two could be read differently by the server than by us.
  if (names.length > 1) throw new Malformed()
  return names[0]
}

function readHostName(extension: Buffer): string {
  const outer = createReader(extension)
  const list = createReader(outer.block(2))
  const type = list.number(1)
  const name = list.block(2)
  if (type !== HOST_NAME || name.length === 0 || !list.atEnd() || !outer.atEnd()) throw new Malformed()
  return name.toString('latin1')
}

function createReader(bytes: Buffer) {
  let at = 0
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Malformed()
    at += length
    return bytes.subarray(at - length, at)
  }
  const number = (width: number): number => take(width).readUIntBE(0, width)
  return {
    atEnd: () => at === bytes.length,
    skip: (length: number) => void take(length),
    number,
    /** A length of so many bytes, and that much after it. */
    block: (width: number): Buffer => take(number(width)),
  }
}
