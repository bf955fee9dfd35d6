// The lines that an edit takes out and puts in. Small and bounded: the whole diff of a job is another matter. Pure.

export interface DiffLine {
  kind: 'same' | 'out' | 'in'
  text: string
}

/** Above this the table of the comparison would cost more than it shows: all out, all in. */
const MAX_CELLS = 250_000

export function lineDiff(before: string, after: string): DiffLine[] {
  const out = before === '' ? [] : before.split('\n')
  const into = after === '' ? [] : after.split('\n')
  let head = 0
  while (head < out.length && head < into.length && out[head] === into[head]) head += 1
  let tail = 0
  while (tail < out.length - head && tail < into.length - head && out.at(-1 - tail) === into.at(-1 - tail))
    tail += 1
  const same = (lines: string[]): DiffLine[] => lines.map(text => ({ kind: 'same', text }))
  return [
    ...same(out.slice(0, head)),
    ...middle(out.slice(head, out.length - tail), into.slice(head, into.length - tail)),
    ...same(tail > 0 ? out.slice(-tail) : []),
  ]
}

function middle(out: string[], into: string[]): DiffLine[] {
  if (out.length * into.length > MAX_CELLS) {
    return [
      ...out.map(text => ({ kind: 'out', text }) as const),
      ...into.map(text => ({ kind: 'in', text }) as const),
    ]
  }
  // common[i][j]: the most lines that out from i and into from j have in common.
  const width = into.length + 1
  const common = new Uint32Array((out.length + 1) * width)
  for (let i = out.length - 1; i >= 0; i -= 1) {
    for (let j = into.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        out[i] === into[j]
          ? (common[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0)
    }
  }
  return walk(out, into, common, width)
}

function walk(out: string[], into: string[], common: Uint32Array, width: number): DiffLine[] {
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < out.length || j < into.length) {
    if (i < out.length && j < into.length && out[i] === into[j]) {
      lines.push({ kind: 'same', text: out[i] ?? '' })
      i += 1
      j += 1
    } else if (
      j >= into.length ||
      (i < out.length && (common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0))
    ) {
      lines.push({ kind: 'out', text: out[i] ?? '' })
      i += 1
    } else {
      lines.push({ kind: 'in', text: into[j] ?? '' })
      j += 1
    }
  }
  return lines
}
