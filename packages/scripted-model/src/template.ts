// Puts words of the conversation into a step's texts and tool inputs: {{task}}, {{cwd}}, {{lastToolResult}}, {{1}} and so on.
// One pass: what is put in is never read as a template again.

export type TemplateWords = Record<string, string | undefined>

/** A name that is not known stays as it is written, since `{{…}}` is common in the files that a scenario may write. */
export function fillText(text: string, words: TemplateWords): string {
  return text.replace(/\{\{ *(\w+) *\}\}/g, (whole, name: string) =>
    Object.hasOwn(words, name) ? (words[name] ?? '') : whole,
  )
}

export function fillValue(value: unknown, words: TemplateWords): unknown {
  if (typeof value === 'string') return fillText(value, words)
  if (Array.isArray(value)) return value.map(item => fillValue(item, words))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillValue(item, words)]))
}
