// The last part of what a container wrote, out of Docker's framed answer.

/** Frames: 1 byte stream, 3 bytes zero, 4 bytes length, then the bytes. See "Attach to a container" in Docker's API. */
const HEADER_BYTES = 8

/** At most the last `maxBytes` of the frames' contents. The answer is bounded: the log driver keeps 16 MB. */
export const tailOfFrames = (answer: Buffer, maxBytes: number): string => {
  const contents: Buffer[] = []
  for (let at = 0; at + HEADER_BYTES <= answer.length; ) {
    const end = at + HEADER_BYTES + answer.readUInt32BE(at + 4)
    contents.push(answer.subarray(at + HEADER_BYTES, end))
    at = end
  }
  const all = Buffer.concat(contents)
  let start = Math.max(0, all.length - maxBytes)
  // A cut inside a character would show as a broken one.
  while (start > 0 && start < all.length && ((all[start] ?? 0) & 0xc0) === 0x80) start++
  return all.subarray(start).toString('utf8')
}
