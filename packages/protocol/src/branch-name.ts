// What a branch may be called: git-check-ref-format(1) with `--branch`, in pure code, and a little stricter.

/** A loose ref is a file, and while it changes a second one with `.lock` at its end: 255 bytes is what file systems take. */
const MAX_BYTES = 250

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const FORBIDDEN = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\//

export function isValidBranchName(name: string): boolean {
  if (name === '' || name === '@' || name === 'HEAD' || Buffer.byteLength(name) > MAX_BYTES) return false
  // `-u` would be an option to someone, `refs/…` a ref inside a branch: both only ever confuse.
  if (name.startsWith('-') || name.startsWith('refs/') || name.startsWith('/')) return false
  if (name.endsWith('/') || name.endsWith('.') || FORBIDDEN.test(name) || !name.isWellFormed()) return false
  return name.split('/').every(part => !part.startsWith('.') && !part.endsWith('.lock'))
}
