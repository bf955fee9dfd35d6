// What a key may look like: something that is a path in a folder, a name in a bucket and part of a URL alike.

const KEY = /^(?!\.{1,2}(?:\/|$))[\w.=-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.=-]+)*$/
/** S3 takes 1024 bytes, prefix included; a folder's path must fit 4096, each part 255. */
const MAX_KEY_LENGTH = 512
const MAX_PART_LENGTH = 200

/** Keys are made by FlowForge itself: one that can not be used is a bug, not an expected failure. */
export function requireKey(key: string): string {
  const fits = key.length <= MAX_KEY_LENGTH && key.split('/').every(part => part.length <= MAX_PART_LENGTH)
  if (!fits || !KEY.test(key)) throw new Error(`${JSON.stringify(key)} is not a key of object storage`)
  return key
}
