// Colours, or their absence. Styles are for the CLI's own marks; text from outside is made plain first.
export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

export type Tone = 'plain' | 'dim' | 'good' | 'bad' | 'warning' | 'accent'

export function createStyle(enabled: boolean): Style {
  const paint = (open: number, close: number) => (text: string) =>
    enabled && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  }
}

export function applyTone(style: Style, tone: Tone, text: string): string {
  switch (tone) {
    case 'plain':
      return text
    case 'dim':
      return style.dim(text)
    case 'good':
      return style.green(text)
    case 'bad':
      return style.red(text)
    case 'warning':
      return style.yellow(text)
    case 'accent':
      return style.cyan(text)
  }
}
