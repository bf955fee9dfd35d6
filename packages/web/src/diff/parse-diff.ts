// A unified diff cut into files: names, what happened to each, and its hunks. The text is foreign; nothing here trusts it. Pure.

export interface DiffFile {
  /** The new name; the old one for a deleted file. */
  path: string
  oldPath?: string
  status: 'added' | 'deleted' | 'renamed' | 'modified'
  binary: boolean
  insertions: number
  deletions: number
  /** From `---` on; empty when no line changed. */
  text: string
}

export function parseDiff(diff: string): DiffFile[] {
  return diff
    .split(/^(?=diff --git )/m)
    .filter(section => section.startsWith('diff --git '))
    .map(parseSection)
}

function parseSection(section: string): DiffFile {
  const start = section.search(/^--- /m)
  // Before the first `---`: Git's own words about the file. After it: the file's words, in which anything may stand.
  const head = start < 0 ? section : section.slice(0, start)
  const text = start < 0 ? '' : section.slice(start)
  const [oldName, newName] = namesOf(head, text)
  const { insertions, deletions } = count(text)
  const status = /^new file mode /m.test(head)
    ? 'added'
    : /^deleted file mode /m.test(head)
      ? 'deleted'
      : /^rename to /m.test(head)
        ? 'renamed'
        : 'modified'
  return {
    path: status === 'deleted' ? oldName : newName,
    oldPath: status === 'renamed' ? oldName : undefined,
    status,
    binary: /^(Binary files |GIT binary patch)/m.test(head),
    insertions,
    deletions,
    text,
  }
}

function namesOf(head: string, text: string): [string, string] {
  const line = (source: string, prefix: string) => new RegExp(`^${prefix}(.*)$`, 'm').exec(source)?.[1]
  const from = line(head, 'rename from ') ?? withoutSide(line(text, '--- '), 'a/')
  const to = line(head, 'rename to ') ?? withoutSide(line(text, '\\+\\+\\+ '), 'b/')
  const [headFrom, headTo] = namesInHead(
    head.slice('diff --git '.length, head.indexOf('\n') < 0 ? undefined : head.indexOf('\n')),
  )
  return [unquote(from ?? headFrom), unquote(to ?? headTo)]
}

/** `/dev/null` is no name. Git ends names that hold blanks with a tab. */
function withoutSide(name: string | undefined, side: string): string | undefined {
  const trimmed = name?.replace(/[\t\r]+$/, '')
  if (!trimmed || trimmed === '/dev/null') return undefined
  if (trimmed.startsWith(`"${side}`)) return `"${trimmed.slice(1 + side.length)}`
  return trimmed.startsWith(side) ? trimmed.slice(side.length) : trimmed
}

/** `a/x b/x`: both halves are alike where nothing else names the file (binary, mode change). */
function namesInHead(names: string): [string, string] {
  if (names.startsWith('"')) {
    const [, from, to] = /^"a\/((?:[^"\\]|\\.)*)" "?b\/((?:[^"\\]|\\.)*)"?$/.exec(names) ?? []
    return [`"${from ?? names}"`, `"${to ?? names}"`]
  }
  const half = names.slice(2, Math.floor(names.length / 2))
  return [half || names, names.slice(Math.ceil(names.length / 2) + 2) || names]
}

const ESCAPES: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 }

/** Git quotes unusual names like C: octal bytes of UTF-8. */
export function unquote(name: string): string {
  if (!name.startsWith('"') || !name.endsWith('"') || name.length < 2) return name
  const bytes: number[] = []
  for (const [part, octal, escaped] of name.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|[^\\]+/gs)) {
    if (octal) bytes.push(Number.parseInt(octal, 8) & 0xff)
    else if (escaped) bytes.push(ESCAPES[escaped] ?? escaped.charCodeAt(0))
    else bytes.push(...new TextEncoder().encode(part))
  }
  return new TextDecoder().decode(new Uint8Array(bytes))
}

function count(text: string): { insertions: number; deletions: number } {
  const body = text.indexOf('\n@@')
  const marks = body < 0 ? '' : text.slice(body)
  return { insertions: marks.match(/^\+/gm)?.length ?? 0, deletions: marks.match(/^-/gm)?.length ?? 0 }
}
