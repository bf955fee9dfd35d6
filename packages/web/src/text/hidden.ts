// Makes characters visible that would deceive a reader: controls, bidi overrides, zero-width ones. Pure.

/** U+202E reorders text, U+200B hides in names, U+E0000… are invisible tags: CVE-2021-42574 and its kin. */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu

/** Newline and tab stay; a carriage return before a newline goes. */
export const revealHidden = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(HIDDEN, visibleForm)

function visibleForm(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`
}

/** One line for lists: white space collapsed, hidden characters shown, cut at `max`. */
export function oneLine(text: string, max = 300): string {
  // Cut before the work: a text can be megabytes.
  const line = revealHidden(
    text
      .slice(0, max * 4)
      .replace(/\s+/g, ' ')
      .trim(),
  )
  return line.length > max ? `${line.slice(0, max - 1)}…` : line
}

export const firstLine = (text: string, max = 300): string => {
  const start = text.slice(0, 20_000).trimStart()
  const end = start.indexOf('\n')
  return oneLine(end < 0 ? start : start.slice(0, end), max)
}
