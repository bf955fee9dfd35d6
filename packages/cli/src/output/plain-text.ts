// Text from outside made harmless for a terminal. Everything that an agent, a repository or a server wrote goes through
// here before it is printed: escape sequences could rewrite the screen, set the clipboard or disguise a link.

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const OSC = /(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: DCS, SOS, PM and APC carry strings, too
const STRINGS = /(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c)?/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours, cursor moves
const CSI = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the short ones, such as a full reset
const ESCAPES = /\x1b[ -/]*[0-~]?/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: C0 without tab and newline, DEL, C1
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g
/** Characters that reorder or hide text (Trojan Source), interlinear annotations, tags. */
const INVISIBLE =
  /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu

/** Keeps line breaks; a lone carriage return, which would overwrite its line, becomes one. */
export function plainText(value: unknown): string {
  return (typeof value === 'string' ? value : value === undefined || value === null ? '' : String(value))
    .toWellFormed()
    .replace(OSC, '')
    .replace(STRINGS, '')
    .replace(CSI, '')
    .replace(ESCAPES, '')
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(/\t/g, '    ')
    .replace(CONTROLS, '')
    .replace(INVISIBLE, '')
}

/** On one line: for names, table cells, titles. */
export const plainLine = (value: unknown): string => plainText(value).replace(/\s+/g, ' ').trim()

/** What JSON leaves unescaped but a terminal may act on. */
const UNSAFE_IN_JSON = /[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** The same JSON value in characters that no terminal acts on. */
export const safeJson = (value: unknown, space?: number): string =>
  JSON.stringify(value, null, space).replace(
    UNSAFE_IN_JSON,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

// biome-ignore lint/suspicious/noControlCharactersInRegex: the CLI's own colours are the one exception
const NOT_A_COLOUR = /\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]/g

/** The second wall, for lines that the CLI styled itself: lets nothing through but text and colours. */
export const onlyColours = (line: string): string => line.replace(NOT_A_COLOUR, '')
