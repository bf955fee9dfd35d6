// How wide text is on a terminal, and how to cut and wrap it. Expects plain text without colours.

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const NARROW = /^[\x20-\x7e]*$/
const ZERO = /\p{Mark}|[\u200b-\u200d]|\ufe0f/u

const characterWidth = (character: string): number =>
  ZERO.test(character) ? 0 : WIDE.test(character) ? 2 : 1

export function displayWidth(text: string): number {
  if (NARROW.test(text)) return text.length
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** Cuts at the end; what is cut shows as `…`. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let used = 0
  let kept = ''
  for (const character of text) {
    used += characterWidth(character)
    if (used > width - 1) break
    kept += character
  }
  return `${kept.trimEnd()}…`
}

/** Fills up with blanks. */
export const pad = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - displayWidth(text)))

/** Breaks at blanks and keeps indentation; words longer than a line are broken anywhere. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap(line => wrapLine(line, Math.max(20, width)))
}

function wrapLine(line: string, width: number): string[] {
  if (displayWidth(line) <= width) return [line]
  const indent = /^ {0,12}/.exec(line)?.[0] ?? ''
  const lines: string[] = []
  let current = indent
  for (const word of line
    .slice(indent.length)
    .split(' ')
    .flatMap(long => pieces(long, width - indent.length))) {
    const candidate = current === indent ? current + word : `${current} ${word}`
    if (displayWidth(candidate) <= width || current === indent) current = candidate
    else {
      lines.push(current)
      current = indent + word
    }
  }
  return [...lines, current]
}

function pieces(word: string, width: number): string[] {
  if (displayWidth(word) <= width) return [word]
  const parts: string[] = []
  let part = ''
  let used = 0
  for (const character of word) {
    const next = characterWidth(character)
    if (used + next > width) {
      parts.push(part)
      part = ''
      used = 0
    }
    part += character
    used += next
  }
  return [...parts, part]
}
